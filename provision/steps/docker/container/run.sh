# needs: name, stop_s, "$@"
# uses: start_container.sh

if docker container inspect "$name" >/dev/null 2>&1; then
    docker stop -t "$stop_s" "$name"
    docker rm --force --volumes "$name"
fi
start_container "$@"
