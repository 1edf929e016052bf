# Puts the container back that this run replaced, because the one that replaced it is not
# healthy. Without one to go back to, a container that Docker starts again and again is
# stopped. Prints what it did.
#
# needs: name, cluster, run, restart, stop_s, wait_s, goes_back, head, head_port
# uses: find_previous.sh, http.sh, docker/container/restarts/stop_restarting.sh
stay() {
    # A worker ends again and again until its head is there, and then joins it.
    if [ -z "$head" ] || [ "$(http 3 open "$head" "$head_port")" = open ]; then
        stop_restarting
    fi
    exit 0
}
"$goes_back" || stay
find_previous
[ -n "$kept" ] || stay
if docker container inspect "$name" >/dev/null 2>&1; then
    made=$(docker container inspect --format \
        '{{with .Config.Labels}}{{index . "provision.run"}}{{end}}' "$name")
    [ "$made" = "$run" ] || exit 0
    docker stop -t "$stop_s" "$name" >/dev/null
    docker rm --force --volumes "$name" >/dev/null
fi
docker rename "$previous" "$name"
docker update --restart "$restart" "$name" >/dev/null
docker start "$name" >/dev/null
until=$(($(date +%s) + wait_s))
while
    health=$(docker inspect --format '{{.State.Status}}{{with .State.Health}} {{
        .Status}}{{end}}' "$name")
    [ "$health" != 'running healthy' ]
do
    if [ "$(date +%s)" -ge "$until" ]; then
        printf 'kept the old one: it was started again, and is %s after %s s\n' \
            "$health" "$wait_s"
        exit 0
    fi
    sleep 1
done
echo 'kept the old one: it runs again, and is healthy'
