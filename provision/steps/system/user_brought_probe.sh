# needs: thing
# uses: manifest/print_noted.sh, user_probe.sh

# What groups the user is in since a deploy put it there.
print_joined() {
    case "$1 $2" in
    "absent member:$user:"*) ! is_member "${2#member:}" || printf '.joined.%s=true\n' "${2##*:}" ;;
    esac
}
user=${thing#user:}
each_noted print_joined
printf 'now=%s\n' "there:$(account "$user")"
