# Prints the last lines of the node's process, what comes of a connection to the head, and the
# firewall of this host.
#
# needs: head, head_port
# uses: shell/print_process.sh, network/connection.sh, host_firewall.sh

print_process
printf 'connection to the head at %s:%s: %s\n' "$head" "$head_port" \
    "$(connection "$head" "$head_port")"
host_firewall
