# Prints the answer of Ray's dashboard to a request for all nodes.
#
# needs: token_file, host, port
# uses: http.sh
{ [ ! -e "$token_file" ] || cat -- "$token_file"; } |
    http 10 reply "$host" "$port" '/api/v0/nodes?limit=10000'
