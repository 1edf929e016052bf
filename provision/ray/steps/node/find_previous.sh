# Finds the container that the last replacement kept. Fails if another program made the
# one of that name. Sets `previous` to its name, and `kept` to yes if it exists.
#
# needs: name, cluster
find_previous() {
    previous=$name-previous
    kept=
    docker container inspect "$previous" >/dev/null 2>&1 || return 0
    [ "$(docker container inspect --format \
        '{{index .Config.Labels "provision.cluster"}}' "$previous")" = "$cluster" ] || {
        echo "a container $previous is there that was not made by provision" >&2
        exit 1
    }
    kept=yes
}
