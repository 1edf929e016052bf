"""Shell that replaces a Ray node's container: drained first, then kept for a rollback."""

from __future__ import annotations

from provision.steps.docker.container import DIGEST, HOST_SIZED_FLAGS, START

DRAIN = r"""
is_healthy() {
    [ "$(docker inspect --format '{{.State.Status}} {{with .State.Health}}{{
        .Status}}{{end}}' "$name")" = 'running healthy' ]
}
# The id of Ray's node in the container; nothing = it has ended; "?" = unknown just now.
node_id() {
    if all=$(docker exec "$name" sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" "\n"' 2>&1); then
        printf '%s\n' "$all" | sed -n 's/^--node_id=//p' | sed -n 1p
    elif is_healthy; then
        echo '?'
    fi
}
drain() {
    [ "$drain_s" -gt 0 ] || return 0
    for _ in 1 2 3 4 5; do
        id=$(node_id)
        [ "$id" = '?' ] || break
        sleep 2
    done
    [ -n "$id" ] || return 0
    if [ "$id" = '?' ]; then
        echo "cannot drain $name: Docker cannot run a command in it" >&2
        return 1
    fi
    if output=$(timeout 60 docker exec "$name" ray drain-node --node-id "$id" \
        --reason DRAIN_NODE_REASON_PREEMPTION --reason-message "$why" \
        --deadline-remaining-seconds "$drain_s" 2>&1); then
        echo "draining: waiting for tasks and objects to leave, at most $drain_s s"
    elif timeout 60 docker exec "$name" ray health-check >/dev/null 2>&1; then
        printf 'Ray refuses to drain this node:\n%s\n' "$output" >&2
        return 1
    else
        return 0 # no head answers: there is nothing to drain from
    fi
    until=$(($(date +%s) + drain_s))
    while [ -n "$(node_id)" ]; do
        if [ "$(date +%s)" -ge "$until" ]; then
            echo "not drained after $drain_s s: what still runs here ends now"
            return 0
        fi
        sleep 1
    done
    echo drained
}
"""
"""Ray ends a drained node by itself once it has no tasks and no objects."""
PREVIOUS = r"""
previous=$name-previous
kept=
if docker container inspect "$previous" >/dev/null 2>&1; then
    [ "$(docker container inspect --format \
        '{{index .Config.Labels "provision.cluster"}}' "$previous")" = "$cluster" ] || {
        echo "a container $previous is there that was not made by provision" >&2
        exit 1
    }
    kept=yes
fi
"""
"""Finds the kept container; fails if another program made the one of that name."""
REPLACE = (
    DIGEST
    + HOST_SIZED_FLAGS
    + DRAIN
    + PREVIOUS
    + r"""
if docker container inspect "$name" >/dev/null 2>&1; then
    drain
    docker stop -t "$stop_s" "$name"
    [ -z "$tables" ] || find "$tables" -mindepth 1 -delete
    # Keep a container that was never healthy only if no other is kept.
    if [ -z "$kept" ] || docker cp "$name:/tmp/provision-was-healthy" - >/dev/null 2>&1
    then
        docker update --restart no "$name" >/dev/null
        [ -z "$kept" ] || docker rm --force --volumes "$previous"
        docker rename "$name" "$previous"
    else
        docker rm --force --volumes "$name"
    fi
fi
"""
    + START
)
"""Interrupted anywhere, the next probe still reports a difference."""
