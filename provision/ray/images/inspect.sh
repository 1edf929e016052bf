# Prints what is to be known before an image is made of a container: both as JSON, the id of the
# image that has the new name already, and the free room where Docker keeps its data.
#
# needs: name, tag

command -v docker >/dev/null || {
    echo 'Docker is not installed on this host: not deployed' >&2
    exit 1
}
found=$(docker container inspect --size --format '{{json .}}' "$name" 2>&1) || {
    case $found in
    *[Nn]o\ such\ container*)
        echo "there is no container $name on this host: not deployed" >&2 ;;
    *) printf '%s\n' "$found" >&2 ;;
    esac
    exit 1
}
printf 'container %s\n' "$found"
id=$(docker container inspect --format '{{.Image}}' "$name") || exit
base=$(docker image inspect --format '{{json .}}' "$id") || exit
printf 'base %s\n' "$base"
if taken=$(docker image inspect --format '{{json .}}' "$tag" 2>/dev/null); then
    printf 'taken %s\n' "$taken"
fi
root=$(docker info --format '{{.DockerRootDir}}') || exit
free=$(df -P -k -- "$root" | awk 'NR == 2 { print $4 }')
printf 'free %s\n' "$free"
