# Prints the marks of nodes that were stopped on purpose, and the answer of Prometheus to a request for its targets.
#
# needs: host, port, stop_mark, notes_dir
# uses: http.sh, stop_mark/mark.sh, stop_mark/notes.sh
print_stop_mark
print_stop_notes
http 10 reply "$host" "$port" '/api/v1/targets?state=active'
