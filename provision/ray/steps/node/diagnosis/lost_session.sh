# Prints the name of Ray's session in its tables, and in the file beside them, where Ray has
# ended because they differ. A node that is no head has no tables.
#
# needs: name, tables

lost_session() {
    [ -n "$tables" ] || return 0
    kept=$(docker logs --tail 80 "$name" 2>&1 |
        sed -n "s/.*does not match persisted value b'\(session_[A-Za-z0-9_-]*\)'.*/\1/p" |
        tail -n 1)
    there=$(cat -- "$tables/session_name" 2>/dev/null) || there=
    [ -z "$kept" ] || [ "$kept" = "$there" ] ||
        printf 'session_name=%s\nsession_name.of_tables=%s\n' "$there" "$kept"
}
