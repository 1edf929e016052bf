# Copies between a container and a folder of the host that only this copy uses.
#
# needs: container, path, staging, way
command -v docker >/dev/null || { echo 'Docker is not installed on this host: not deployed' >&2; exit 95; }
docker container inspect "$container" >/dev/null 2>&1 || {
    printf 'there is no container %s on this host: not deployed\n' "$container" >&2
    exit 95
}
case $way in
out) rm -rf -- "$staging" && mkdir -m 700 -- "$staging" && docker cp "$container:$path" "$staging/" >/dev/null ;;
in)
    for each in "$staging"/* "$staging"/.[!.]*; do
        [ ! -e "$each" ] || docker cp "$each" "$container:$path" >/dev/null || exit 1
    done ;;
new) rm -rf -- "$staging" && mkdir -m 700 -- "$staging" ;;
end) rm -rf -- "$staging" ;;
esac
