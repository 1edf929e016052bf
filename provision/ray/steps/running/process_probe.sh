# Prints how the node's process is, and the mark that it was stopped on purpose.
#
# needs: agent_port, stop_mark
# uses: ../node/process/shell/process.sh, http.sh
[ ! -f "$stop_mark" ] || printf 'mark=%s\n' "$(head -n 1 -- "$stop_mark")"
if [ ! -r "$process/spec" ]; then
    echo status=absent
    exit 0
fi
printf 'status=%s\ncluster=%s\n' "$(process_status)" "$cluster"
[ "$(http 3 code 127.0.0.1 "$agent_port" /api/healthz)" != 200 ] || echo health=healthy
