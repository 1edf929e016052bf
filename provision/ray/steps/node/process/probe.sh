# Prints the state of the node's process, the health of one that runs, and who has the ports
# of one that does not.
#
# needs: cluster, process, environments, agent_port, head, head_port, ports, address, stop_mark
# uses: shell/process.sh, shell/taken.sh, http.sh, network/find_network.sh, ../../stop_mark/mark.sh

probe_health() {
    if [ "$(http 3 code 127.0.0.1 "$agent_port" /api/healthz)" = 200 ]; then
        echo health=healthy
    elif [ "$(http 3 open "$head" "$head_port")" = open ]; then
        echo health=starting
    else
        echo "health=cannot reach the head at $head:$head_port"
    fi
}
probe_files() {
    while read -r digest path; do
        now=$(sha256sum -- "$path" 2>/dev/null) || now=
        if [ "${now%% *}" = "$digest" ]; then state=current; else state=outdated; fi
        printf 'file.%s=%s\n' "$path" "$state"
    done <"$process/files"
}
print_stop_mark
find_network
process_has_systemd || echo init=none
status=stopped
if [ -r "$process/spec" ]; then
    cat -- "$process/spec"
    status=$(process_status)
    printf 'status=%s\nenvironment=%s\n' "$status" "$(readlink -- "$process/environment")"
    now=$(readlink -f -- "$environments/current") && printf 'environment_now=%s\n' "$now"
    [ ! -r "$process/files" ] || probe_files
    if process_has_systemd; then
        boot=false
        ! systemctl -q is-enabled "$process_unit" 2>/dev/null || boot=true
        printf 'boot=%s\n' "$boot"
        restarts=$(systemctl show -p NRestarts "$process_unit")
        [ "${restarts#*=}" -lt 3 ] 2>/dev/null || printf 'restarts=%s\n' "${restarts#*=}"
    fi
fi
case $status in
# What the process has left behind ends before it is started again.
stopped) process_has_left || print_taken ;;
*) probe_health ;;
esac
