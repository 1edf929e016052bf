# needs:
# uses: manifest/manifest.sh
# What a Docker engine brings along besides packages, and what was there of it.

engine_dirs='/var/lib/docker /var/lib/containerd /run/docker /run/containerd /opt/containerd'
engine_files='/etc/docker/key.json /run/docker.sock /run/docker.pid'
# Others put files there as well.
shared_dirs='/etc/cni/net.d /etc/cni /etc/docker'
forwarding=/proc/sys/net/ipv4/ip_forward
note_new_engine() {
    for path in $engine_dirs; do note_content "$path"; done
    for path in $engine_files $shared_dirs; do note_path "$path"; done
    note_id group:docker group
    [ ! -r "$forwarding" ] || note engine:forwarding "was:$(cat "$forwarding")"
    policy=$(iptables -S FORWARD 2>/dev/null | sed -n 's/^-P FORWARD //p') || policy=
    note engine:policy "was:${policy:-ACCEPT}"
}
# Notes that the daemon.json $1 is replaced by ours, $2; if somebody has edited it since the last
# time it is theirs, and stays in a teardown.
note_conf() {
    was=$(noted engine:daemon.json)
    now="was:$(sha256sum <"$2" | cut -c -64)"
    if [ -n "$was" ] && [ -e "$1" ] && [ "$was" != "was:$(sha256sum <"$1" | cut -c -64)" ]; then
        now=was:edited
    fi
    forget engine:daemon.json
    note engine:daemon.json "$now"
}
# Notes whether the engine that is there runs ($1 is true or false), and starts at boot.
note_engine() {
    running=$1
    boot=true
    if [ -d /run/systemd/system ]; then
        systemctl is-enabled docker >/dev/null 2>&1 || boot=false
    fi
    note engine:service "was:$running:$boot"
}
