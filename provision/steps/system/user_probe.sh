# Prints what the host knows of users, and who owns the homes that they are to have.
# Each argument is NAME, or NAME:HOME.
#
# needs: members, "$@"

command -v getent >/dev/null || exit 0
homes=
for about; do
    shift
    set -- "$@" "${about%%:*}"
    case $about in *:*)
        [ ! -e "${about#*:}" ] || homes="$homes
${about#*:}" ;;
    esac
done
found=$(getent passwd "$@") || [ $? = 2 ] || exit 1
set --
while IFS=: read -r name _ uid gid _ home shell; do
    [ -n "$name" ] || continue
    printf '%s=%s\n' "$name.uid" "$uid" "$name.gid" "$gid" "$name.home" "$home" \
        "$name.shell" "$shell"
    set -- "$@" "$gid"
    if "$members"; then
        # The primary one is the first. It does not count: it may become another one.
        others=$(id -Gn -- "$name")
        case $others in *' '*) ;; *) others= ;; esac
        for group in ${others#* }; do printf '%s.in.%s=true\n' "$name" "$group"; done
    fi
done <<END
$found
END
[ $# -eq 0 ] || getent group "$@" | while IFS=: read -r group _ gid _; do
    printf '.%s=%s\n' "$gid" "$group"
done
if [ -n "$homes" ]; then
    set -f
    IFS='
'
    # shellcheck disable=SC2086 # each line is a path
    stat -c '.home.%n=%u:%U' -- ${homes#?}
fi
