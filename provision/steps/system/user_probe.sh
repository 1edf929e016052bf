# needs: members, home_owners, "$@"

command -v getent >/dev/null || exit 0
found=$(getent passwd "$@") || [ $? = 2 ] || exit 1
set --
while IFS=: read -r name _ uid gid _ home shell; do
    [ -n "$name" ] || continue
    printf '%s=%s\n' "$name.uid" "$uid" "$name.gid" "$gid" "$name.home" "$home" \
        "$name.shell" "$shell"
    if "$home_owners"; then
        # Many a service has a home of root's.
        owner=$(stat -c %u:%U -- "$home" 2>/dev/null) || owner=0:
        case ${owner%%:*} in 0 | "$uid") ;; *) printf '%s=%s\n' "$name.home_owner" "$owner" ;; esac
    fi
    set -- "$@" "$gid"
    if "$members"; then
        for group in $(id -Gn -- "$name"); do printf '%s.in.%s=true\n' "$name" "$group"; done
    fi
done <<END
$found
END
[ $# -eq 0 ] || getent group "$@" | while IFS=: read -r group _ gid _; do
    printf '.%s=%s\n' "$gid" "$group"
done
