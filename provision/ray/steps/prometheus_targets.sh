# Prints the mark that the head was stopped on purpose, and the answer of Prometheus to a request for its targets.
#
# needs: host, port, stop_mark
# uses: http.sh, docker/stop_mark.sh
print_stop_mark
http 10 reply "$host" "$port" '/api/v1/targets?state=active'
