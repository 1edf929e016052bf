# Prints the marks of nodes that were stopped on purpose, which of the ADDRESS:PORTs "$@" this host does not reach, and the answer of Ray's
# dashboard to a request for all nodes.
#
# needs: token_file, host, port, stop_mark, notes_dir, "$@"
# uses: http.sh, node/diagnosis/closed_ports.sh, stop_mark/mark.sh, stop_mark/notes.sh
print_stop_mark
print_stop_notes
closed_ports "$@"
{ [ ! -e "$token_file" ] || cat -- "$token_file"; } |
    http 10 reply "$host" "$port" '/api/v0/nodes?limit=10000'
