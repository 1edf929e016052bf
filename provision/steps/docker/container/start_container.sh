# needs: name, image, spec, files, restart, nofile, shm_percent, pause_s
# uses: digest.sh

# One that fails at once has failed when it is probed next. On a slow host Docker may have started
# it again by then, and it runs: it is watched until it has ended three times, which the probe
# tells, or has stayed for ten seconds.
watch_start() (
    sleep "$pause_s"
    [ "$pause_s" -gt 0 ] || exit 0
    ended=0
    since=$(date +%s)
    while now=$(docker container inspect --format '{{.RestartCount}}' "$name") &&
        [ "$now" -gt 0 ] && [ "$now" -lt 3 ]; do
        [ "$now" = "$ended" ] || since=$(date +%s)
        ended=$now
        [ "$(($(date +%s) - since))" -lt 10 ] || break
        sleep 1
    done
)

# start_container FLAGS IMAGE COMMAND: with the flags that depend on the host, too.
start_container() {
    if [ "$nofile" -gt 0 ]; then
        pid=$(cat /run/docker.pid 2>/dev/null) || pid=self
        most=$(sed -n 's/^Max open files  *[^ ]*  *\([0-9]*\) .*/\1/p' "/proc/$pid/limits")
        [ "${most:-$nofile}" -gt "$nofile" ] || nofile=${most:-$nofile}
        set -- --ulimit "nofile=$nofile:$nofile" "$@"
    fi
    if [ "$shm_percent" -gt 0 ]; then
        kb=$(sed -n 's/^MemTotal: *\([0-9]*\) .*/\1/p' /proc/meminfo)
        set -- --shm-size "$((kb * shm_percent / 100))k" "$@"
    fi
    # An image that `commit` made of a container has that one's variables, with no values: these
    # are for programs to take for values. They go, and nothing of the host's comes for them.
    start_without=
    for start_variable in $(docker image inspect --format \
        '{{with .Config.Labels}}{{with index . "provision.commit.unset"}}{{.}}{{end}}{{end}}' \
        "$image" 2>/dev/null); do
        start_without="$start_without -u $start_variable"
        set -- --env "$start_variable" "$@"
    done
    # shellcheck disable=SC2086 # names of variables
    env $start_without docker run --detach --pull never --name "$name" --label "provision.spec=$spec" \
        --label "provision.files=$(digest)" --restart "$restart" "$@"
    watch_start
}
