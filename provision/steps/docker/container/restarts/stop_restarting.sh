# needs: name

restarts() {
    docker container inspect --format '{{.RestartCount}} {{.State.Status}}' "$name" 2>/dev/null
}
# Stops a container that Docker starts again and again. One that only did so once, or that
# runs and is slow, is left.
stop_restarting() {
    first=$(restarts) || return 0
    now=$first
    for _ in 1 2 3; do
        case $now in
        '0 '*) return 0 ;;
        *' restarting') break ;;
        esac
        sleep 2
        now=$(restarts) || return 0
        [ "${now%% *}" = "${first%% *}" ] || break
    done
    case $now in
    "${first%% *} running" | *' exited' | *' created' | *' dead') return 0 ;;
    esac
    docker update --restart no "$name" >/dev/null
    docker stop -t 1 "$name" >/dev/null
    echo "$name is stopped: Docker would have started it again and again"
}
