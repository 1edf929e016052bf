# needs: name
# uses: find_image.sh, room.sh

missing() {
    info=$(docker info --format '{{.DriverStatus}}|{{.DockerRootDir}}' 2>/dev/null) || info=
    root=${info##*|}
    # The image store of containerd is not in Docker's folder, unless Docker started that.
    case $info in *io.containerd.snapshotter*)
        if [ -e /run/containerd/containerd.sock ]; then
            root=$(sed -n 's/^root *= *["'\'']\([^"'\'']*\)["'\''].*/\1/p' \
                /etc/containerd/config.toml 2>/dev/null) || root=
            print_room "$(nearest "${root:-/var/lib/containerd}")"
            exit 0
        fi ;;
    esac
    # An engine that is yet to come, or to start, keeps them there.
    [ -n "$root" ] || root=$(sed -n 's/.*"data-root": *"\([^"]*\)".*/\1/p' \
        /etc/docker/daemon.json 2>/dev/null) || root=
    print_room "$(nearest "${root:-/var/lib/docker}")"
    exit 0
}
find_image
cannot_tell
