# Prints which of the ADDRESS:PORTs "$@" a connection from this host does not reach, and the
# firewall of this host.
#
# needs: "$@"
# uses: closed_ports.sh, host_firewall.sh

closed_ports "$@"
host_firewall
