# needs: "$@"
# uses: docker/no_containers.sh

command -v docker >/dev/null || exit 0
docker ps --all --format '{{.Names}}={{.Image}}' "$@" || no_containers
