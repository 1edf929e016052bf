# Prints the name of the node if it runs.
#
# needs: name, cluster
# uses: docker/no_containers.sh
command -v docker >/dev/null || exit 0
docker ps --filter "name=^/$name\$" --filter "label=provision.cluster=$cluster" \
    --format '{{.Names}}=running' || no_containers
