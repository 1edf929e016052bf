# Prints the last lines of the node's process, what comes of a connection to the head, and the
# firewall of this host.
#
# needs: head, head_port
# uses: shell/process.sh, network/connection.sh, host_firewall.sh

printf 'process: %s\n' "$(process_status)"
if process_has_systemd; then
    journalctl -u "$process_unit" -n 20 --no-pager -o cat
else
    tail -n 20 "$process/log"
fi 2>/dev/null
printf 'connection to the head at %s:%s: %s\n' "$head" "$head_port" \
    "$(connection "$head" "$head_port")"
host_firewall
