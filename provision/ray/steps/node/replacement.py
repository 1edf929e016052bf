"""A Ray node's container replaced: drained first, and kept to go back to."""

from __future__ import annotations

from provision.steps.docker.container import DIGEST, HOST_SIZED_FLAGS, START

DRAIN = r"""
is_well() {
    [ "$(docker inspect --format '{{.State.Status}} {{with .State.Health}}{{
        .Status}}{{end}}' "$name")" = 'running healthy' ]
}
# The id of Ray's node in the container; "?" = it could not be asked just now.
node() {
    if all=$(docker exec "$name" sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" "\n"' 2>&1); then
        printf '%s\n' "$all" | sed -n 's/^--node_id=//p' | sed -n 1p
    elif is_well; then
        echo '?'
    fi
}
drain() {
    [ "$drain_s" -gt 0 ] || return 0
    for _ in 1 2 3 4 5; do
        id=$(node)
        [ "$id" = '?' ] || break
        sleep 2
    done
    [ -n "$id" ] || return 0
    if [ "$id" = '?' ]; then
        echo "what runs in $name cannot be asked, so it cannot be drained" >&2
        return 1
    fi
    if said=$(timeout 60 docker exec "$name" ray drain-node --node-id "$id" \
        --reason DRAIN_NODE_REASON_PREEMPTION --reason-message "$why" \
        --deadline-remaining-seconds "$drain_s" 2>&1); then
        echo "draining: waits for what runs here, at most $drain_s s"
    elif timeout 60 docker exec "$name" ray health-check >/dev/null 2>&1; then
        printf 'could not be drained:\n%s\n' "$said" >&2
        return 1
    else
        return 0 # its head is gone
    fi
    until=$(($(date +%s) + drain_s))
    while [ -n "$(node)" ]; do
        if [ "$(date +%s)" -ge "$until" ]; then
            echo "not drained within $drain_s s: what still runs here ends now"
            return 0
        fi
        sleep 1
    done
    echo drained
}
"""
"""Ray's part of a drained node ends by itself as soon as nothing runs or lies there."""
OURS = r"""
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
"""Finds the container that is kept; stops before one that is not ours."""
REPLACE = (
    DIGEST
    + HOST_SIZED_FLAGS
    + DRAIN
    + OURS
    + r"""
if docker container inspect "$name" >/dev/null 2>&1; then
    drain
    docker stop -t "$stop_s" "$name"
    [ -z "$tables" ] || find "$tables" -mindepth 1 -delete
    # One that was never well is not worth going back to, if there is another.
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
"""Whenever it is cut off, there is a container to be seen that is not as it should be."""
