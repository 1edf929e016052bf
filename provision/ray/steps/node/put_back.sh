# Puts the container back that this run replaced, because the one that replaced it is not
# healthy. Prints what it did; nothing if there is no container to go back to.
#
# needs: name, cluster, run, restart, stop_s, wait_s
# uses: find_previous.sh
find_previous
[ -n "$kept" ] || exit 0
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
