# Prints how the node's container is, what comes of a connection to the head, and the
# firewall of this host.
#
# needs: name, head, head_port
# uses: docker/container/print_container.sh, network/connection.sh, host_firewall.sh

print_container
printf 'connection to the head at %s:%s: %s\n' "$head" "$head_port" \
    "$(connection "$head" "$head_port")"
host_firewall
