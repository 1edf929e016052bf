# needs: name, restart, stop_s, steady_s
# Starts a container that stands still; then, for steady_s, fails if its process ends.

restarts_and_status() {
    docker container inspect --format '{{.RestartCount}} {{.State.Status}}' "$name"
}
watch_container() {
    before=$(restarts_and_status)
    since=$(date +%s)
    while passed=$(($(date +%s) - since)) && [ "$passed" -lt "$steady_s" ]; do
        sleep 2
        now=$(restarts_and_status)
        [ "$now" = "${before% *} running" ] || {
            printf 'its process has ended again, within %s s: %s restarts, %s\n' \
                "$((passed + 2))" "${now% *}" "${now#* }" >&2
            exit 1
        }
    done
}
# A run that was killed may have left the one before.
docker rm --force --volumes "$name.provision-before" >/dev/null 2>&1 || true
docker update --restart "$restart" "$name" >/dev/null
state=$(docker container inspect --format \
    '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$name")
case $state in
paused*) docker unpause "$name" ;;
"running unhealthy" | restarting*) docker restart -t "$stop_s" "$name" ;;
running*) ;;
*) docker start "$name" ;;
esac
[ "$steady_s" -eq 0 ] || watch_container
