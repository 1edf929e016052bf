# needs: folder, only_brought, "$@"
# uses: manifest/manifest.sh
# Prints NAME=STATE for each unit file that is there: its path, and with $only_brought whether
# it was there before.

print_due() {
    case $1 in
    remove) printf '%s=%s\n' "$name" "$2" ;;
    restore) printf '%s=altered\n' "$name" ;;
    stays) [ -n "$(noted "path:$2")" ] || printf '%s=stays\n' "$name" ;;
    esac
}
still_known() {
    [ -d /run/systemd/system ] || return 0
    needs=$(systemctl show -p NeedDaemonReload "$name") || return 1
    [ "$needs" != NeedDaemonReload=yes ] || printf '%s=still known to systemd\n' "$name"
}
for name; do
    path=$folder/$name
    if ! exists "$path"; then
        still_known || exit 1
    elif [ "$only_brought" = true ]; then
        undo_path "$path" print_due
    else
        print_due remove "$path"
    fi
done
