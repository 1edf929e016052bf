# Drains the container that is there, and keeps it stopped for a rollback.
# Interrupted anywhere, the next probe still reports a difference.
#
# needs: name, stop_s, wipe, "$@"
# uses: drain.sh, find_previous.sh, diagnosis/write_session.sh, docker/container/start_container.sh
find_previous
if docker container inspect "$name" >/dev/null 2>&1; then
    drain
    docker stop -t "$stop_s" "$name"
    [ -z "$wipe" ] || find "$tables" -mindepth 1 -delete
    write_session
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
start_container "$@"
