# Runs the words, in a container or by a script of the host if one is named. An error of ours
# is a line with the mark.
#
# needs: container, runner, mark, "$@"
refused() {
    printf '%s %s\n' "$mark" "$1" >&2
    exit 96
}
in_container() {
    command -v docker >/dev/null || refused 'Docker is not installed on this host: not deployed'
    status=$(docker container inspect --format '{{.State.Status}}' "$container" 2>&1) ||
        case $status in
        *[Nn]o\ such\ container*)
            refused "there is no container $container on this host: not deployed" ;;
        *) refused "Docker does not answer: $(printf '%s\n' "$status" | grep . | tail -n 1)" ;;
        esac
    [ "$status" = running ] || refused "the container $container is $status, not running"
    exec docker exec "$container" "$@"
}
if [ -n "$container" ]; then
    in_container "$@"
elif [ -n "$runner" ]; then
    [ -r "$runner" ] || refused "there is no $runner on this host that can be read: not deployed"
    exec sh "$runner" "$@"
else
    exec "$@"
fi
