# Prints a line of JSON for each image of the host and for each container, and the names of the
# images that a run of provision brought.
#
# needs:
# uses: manifest/manifest.sh

command -v docker >/dev/null || {
    echo 'Docker is not installed on this host: not deployed' >&2
    exit 1
}
image='image {"id":{{json .Id}},"names":{{json .RepoTags}},"digests":{{json .RepoDigests}},
"size":{{json .Size}},"created":{{json .Created}},"came":{{with .Metadata}}{{json .LastTagTime}}{{else}}null{{end}},
"labels":{{with .Config}}{{json .Labels}}{{else}}null{{end}}}'
container='container {"image":{{json .Image}},"name":{{json .Name}},"status":{{json .State.Status}}}'
# Prints all things of the kind $1, which the command after $2 lists, as the format $2 says. One may
# go between the list and the look: then both are done again.
print_all() {
    kind=$1
    format=$(printf '%s' "$2" | tr -d '\n')
    shift 2
    for try in 1 2 3; do
        ids=$("$@") || return
        [ -n "$ids" ] || return 0
        # shellcheck disable=SC2086 # ids have no spaces
        if found=$(docker "$kind" inspect --format "$format" $ids 2>&1); then
            printf '%s\n' "$found"
            return 0
        fi
    done
    printf '%s\n' "$found" >&2
    return 1
}
print_brought() { case $1:$2 in absent:image:*) printf 'brought %s\n' "${2#image:}" ;; esac; }

print_all image "$image" docker image ls --quiet --no-trunc || exit
print_all container "$container" docker ps --all --quiet --no-trunc || exit
each_noted print_brought
printf 'all\n'
