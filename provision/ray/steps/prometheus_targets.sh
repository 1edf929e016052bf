# Prints the answer of Prometheus to a request for its targets.
#
# needs: host, port
# uses: http.sh
http 10 reply "$host" "$port" '/api/v1/targets?state=active'
