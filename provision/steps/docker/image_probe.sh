# needs: name
# uses: find_image.sh, room.sh

missing() {
    root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null) || root=
    # An engine that is yet to come, or to start, keeps them there.
    [ -n "$root" ] || root=$(sed -n 's/.*"data-root": *"\([^"]*\)".*/\1/p' \
        /etc/docker/daemon.json 2>/dev/null) || root=
    print_room "$(nearest "${root:-/var/lib/docker}")"
    exit 0
}
find_image
cannot_tell
