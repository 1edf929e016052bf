# needs: name
# uses: find_image.sh

find_image
case $why in *"Is the docker daemon running"* | *"the daemon is running"*)
    # What the daemon would find at its start: the names lie in these files.
    grep -qs data-root /etc/docker/daemon.json || {
        part=${name#docker.io/}
        grep -qsF -e "${part#library/}" /var/lib/docker/image/*/repositories.json \
            /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db || exit 0
    }
    ;;
esac
cannot_tell
