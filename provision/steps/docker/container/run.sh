# needs: name, stop_s, "$@"
# uses: start_container.sh
# Replaces a container; the one that was there is started again if Docker refuses the new one.

before=$name.provision-before
exists() { docker container inspect "$1" >/dev/null 2>&1; }
put_back() {
    code=$?
    trap - EXIT
    [ "$code" != 0 ] || exit 0
    if exists "$before"; then
        ! exists "$name" || docker rm --force --volumes "$name" >/dev/null
        docker rename "$before" "$name"
        docker start "$name" >/dev/null
        echo 'the container that was there before runs again' >&2
    fi
    exit "$code"
}
trap put_back EXIT
if exists "$name"; then
    docker stop -t "$stop_s" "$name"
    # A run that was killed may have left one.
    ! exists "$before" || docker rm --force --volumes "$before"
    docker rename "$name" "$before"
fi
# Until the old one is gone the new one has another restart policy: so the next probe finds what
# is left by a run that is killed here. One that is never to be started again has none to spare.
policy=$restart
! exists "$before" || restart=no
start_container "$@"
trap - EXIT
if exists "$before"; then
    docker rm --force --volumes "$before"
    [ "$policy" = no ] || docker update --restart "$policy" "$name" >/dev/null
fi
