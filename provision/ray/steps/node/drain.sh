# Drains the Ray node in a container: Ray gives it no more work, and ends it by itself
# once it has no tasks and no objects. Waits for that at most `drain_s` seconds.
#
# needs: name, drain_s, why
is_healthy() {
    [ "$(docker inspect --format '{{.State.Status}} {{with .State.Health}}{{
        .Status}}{{end}}' "$name")" = 'running healthy' ]
}
# in_node SECONDS COMMAND... runs a command there.
in_node() (
    limit_s=$1
    shift
    timeout "$limit_s" docker exec "$name" "$@"
)
# The id of Ray's node in the container; nothing = it has ended; "?" = unknown just now.
node_id() {
    if all=$(in_node 60 sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" "\n"' 2>&1); then
        printf '%s\n' "$all" | sed -n 's/^--node_id=//p' | sed -n 1p
    elif is_healthy; then
        echo '?'
    fi
}
start_drain() {
    answer=0
    output=$(in_node 60 ray drain-node --node-id "$1" \
        --reason DRAIN_NODE_REASON_PREEMPTION --reason-message "$why" \
        --deadline-remaining-seconds "$drain_s" 2>&1) || answer=$?
    if [ "$answer" -eq 0 ]; then
        echo "draining: waiting for tasks and objects to leave, at most $drain_s s"
    elif in_node 60 ray health-check >/dev/null 2>&1; then
        case $answer in
        # Of timeout, as GNU and busybox have it: that is no answer.
        124 | 143) echo 'Ray was asked to drain this node, and has not answered for 60 s' >&2 ;;
        *) printf 'Ray refuses to drain this node:\n%s\n' "$output" >&2 ;;
        esac
        exit 1
    else
        return 1 # no head answers: there is no cluster to drain the node from
    fi
}
wait_drained() {
    until=$(($(date +%s) + drain_s))
    while [ -n "$(node_id)" ]; do
        if [ "$(date +%s)" -ge "$until" ]; then
            echo "not drained after $drain_s s: what still runs here ends now"
            return
        fi
        sleep 1
    done
    echo drained
}
drain() {
    [ "$drain_s" -gt 0 ] || return 0
    for _ in 1 2 3 4 5; do
        id=$(node_id)
        [ "$id" = '?' ] || break
        sleep 2
    done
    if [ "$id" = '?' ]; then
        echo "cannot drain $name: Docker cannot run a command in it" >&2
        exit 1
    fi
    [ -n "$id" ] || return 0
    if start_drain "$id"; then wait_drained; fi
}
