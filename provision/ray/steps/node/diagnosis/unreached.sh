# Prints which of the addresses "$@" a connection to `port` does not reach from this host, and
# the firewall of this host.
#
# needs: port, "$@"
# uses: network/connection.sh, host_firewall.sh

started=0
for address; do
    {
        came_of_it=$(connection "$address" "$port")
        [ "$came_of_it" = open ] ||
            printf 'connection to %s:%s: %s\n' "$address" "$port" "$came_of_it"
    } &
    # At most 50 at once, each of which takes some processes.
    started=$((started + 1))
    [ $((started % 50)) -ne 0 ] || wait
done
wait
host_firewall
