# needs: cluster
# uses: docker/no_containers.sh

client=/etc/docker/provision.client
[ ! -e "$client" ] || printf 'client=%s\n' "$(paste -s -d ' ' "$client")"
[ -e /etc/docker/provision.packages ] || exit 0
printf 'engine=%s\n' "$(paste -s -d ' ' /etc/docker/provision.packages)"
all=$(docker ps --all --format '{{.Names}} {{.Label "provision.cluster"}}') ||
    no_containers || exit 1
others=$(printf '%s\n' "$all" | while read -r name label; do
    [ "$label" = "$cluster" ] || printf '%s ' "$name"
done)
[ -z "${others% }" ] || printf 'others=%s\n' "${others% }"
