# Prints the status code with which Ray answers each token, or `none`.
#
# needs: host, port, "$@"
# uses: http.sh
for token; do
    code=$(printf '%s\n' "$token" | http 10 code "$host" "$port" '/api/v0/nodes?limit=1')
    echo "${code:-none}"
done
