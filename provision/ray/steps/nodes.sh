# Prints which of the ADDRESS:PORTs "$@" this host does not reach, and the answer of Ray's
# dashboard to a request for all nodes.
#
# needs: token_file, host, port, "$@"
# uses: http.sh, node/diagnosis/closed_ports.sh
closed_ports "$@"
{ [ ! -e "$token_file" ] || cat -- "$token_file"; } |
    http 10 reply "$host" "$port" '/api/v0/nodes?limit=10000'
