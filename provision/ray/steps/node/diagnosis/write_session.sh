# Writes the name of Ray's session into the file beside its tables; "" = it stays as it is.
#
# needs: tables, session

write_session() {
    [ -n "$session" ] || return 0
    new=$tables/session_name.new
    rm -f -- "$new"
    # Jobs of Ray can write to this folder: -C makes the file anew or fails, so that no link
    # of theirs is followed.
    set -C
    exec 9>"$new"
    set +C
    printf '%s' "$session" >&9
    chown "$(stat -c %u:%g -- "$tables")" /dev/fd/9
    chmod 600 /dev/fd/9
    exec 9>&-
    sync
    mv -f -T -- "$new" "$tables/session_name"
    echo "the name of Ray's session is $session again"
}
