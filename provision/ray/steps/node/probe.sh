# Prints the state of the node's container, the host's memory and GPUs, the health of a node
# that runs, and the processes that have the ports of one that does not.
#
# needs: agent_port, head, head_port, ports, gpus, address, stop_mark
# uses: http.sh, docker/container/probe_container.sh, diagnosis/lost_session.sh, gpu/find_gpus.sh, additions/host_paths.sh, network/find_network.sh, ../stop_mark/mark.sh
[ "$gpus" = false ] || find_gpus
find_network
print_lacking
print_stop_mark
container=$(probe_container) || exit 1
while read -r field kb _; do
    [ "$field" != MemTotal: ] || { printf 'host_memory_kb=%s\n' "$kb"; break; }
done </proc/meminfo
printf '%s\n' "$container"
case $container in
*status=running*)
    if [ "$(http 3 code 127.0.0.1 "$agent_port" /api/healthz)" = 200 ]; then
        echo health=healthy
    else
        if [ "$(http 3 open "$head" "$head_port")" = open ]; then
            echo health=starting
        else
            echo "health=cannot reach the head at $head:$head_port"
        fi
        case $container in *restarts=*) lost_session ;; esac
    fi ;;
*status=restarting*)
    [ "$(http 3 open "$head" "$head_port")" = open ] ||
        echo "health=cannot reach the head at $head:$head_port"
    lost_session ;;
*)
    ss -Hltnp 2>/dev/null | while read -r _ _ _ local _ process; do
        case " $ports " in
        *" ${local##*:} "*) printf 'taken.%s=%s\n' "${local##*:}" "$process" ;;
        esac
    done ;;
esac
