# needs:
# room_of PATH: prints the size and the free room of its file system in MiB; `hangs` if that does
# not answer in 5 s; nothing if it cannot tell. One that waits for ever keeps the pipe open, so
# the last line of the pipe is waited for, and not its end.

room_of() {
    command -v timeout >/dev/null || return 0
    {
        code=0
        # shellcheck disable=SC2016 # its words are those of the shell that is limited
        timeout -s KILL 5 /bin/sh -c 'df -P -k -- "$1" </dev/null 2>/dev/null & wait "$!"' \
            sh "$1" 2>/dev/null || code=$?
        printf 'end %s\n' "$code"
    } | while read -r first size _ free _; do
        if [ "$first" = end ]; then
            [ "$size" -ne 137 ] || echo hangs
            break
        fi
        case $size in
        '' | *[!0-9]*) ;; # the line with the titles
        *) printf '%s %s\n' "$((size / 1024))" "$((free / 1024))" ;;
        esac
    done
}
