# closed_ports ADDRESS:PORT ... prints what comes of a connection to each that is not open.
#
# needs:
# uses: network/connection.sh

# Prints those that are open, up to the first that does not answer: one process for all.
open_ports() {
    # shellcheck disable=SC2016 # it is bash that expands them
    timeout 3 bash -c 'for at; do
        { exec 3<>"/dev/tcp/${at%:*}/${at##*:}"; } 2>/dev/null && printf "%s\n" "$at"
    done' bash "$@" </dev/null || true
}
closed_ports() (
    command -v bash >/dev/null && [ $# -gt 0 ] || exit 0
    open="
$(open_ports "$@")
"
    started=0
    for at; do
        case $open in *"
$at
"*) continue ;; esac
        {
            came_of_it=$(connection "${at%:*}" "${at##*:}")
            [ "$came_of_it" = open ] ||
                printf 'connection to %s: %s\n' "$at" "$came_of_it"
        } &
        # At most 50 at once, each of which takes some processes.
        started=$((started + 1))
        [ $((started % 50)) -ne 0 ] || wait
    done
    wait
)
