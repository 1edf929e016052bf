# needs:

# What can be known without the daemon. Containers may well run while it is down.
no_containers() {
    ! grep -qs data-root /etc/docker/daemon.json || return 1
    [ -z "$(ls -A /var/lib/docker/containers 2>/dev/null)" ] || return 1
    ! grep -qs containerd-shim /proc/[0-9]*/comm
}
