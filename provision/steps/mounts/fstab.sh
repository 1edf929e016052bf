# needs:
# write_fstab PATH [LINE]: puts LINE in the place of those of PATH, or takes them away.

write_fstab() (
    new=/etc/fstab.provision-new
    {
        [ ! -e /etc/fstab ] || while IFS= read -r line || [ -n "$line" ]; do
            # shellcheck disable=SC2086 # the words of a line
            set -f -- "$1" "${2-}" $line
            case ${3-} in
            '#'* | '') printf '%s\n' "$line" ;;
            *) [ "${4-}" = "$1" ] || printf '%s\n' "$line" ;;
            esac
        done </etc/fstab
        [ -z "${2-}" ] || printf '%s\n' "$2"
    } >"$new"
    chmod 644 "$new"
    mv -f -- "$new" /etc/fstab
)
