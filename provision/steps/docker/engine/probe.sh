# Prints whether there is an engine, a client for it, and what it says of itself; and the
# daemon.json, whole.
#
# needs:

conf=/etc/docker/daemon.json
client=false
! command -v docker >/dev/null || client=true
if command -v dockerd >/dev/null || { "$client" && docker version >/dev/null 2>&1; }; then
    echo engine=installed
    # Debian 13 has the client in a package of its own, which its engine does without.
    if "$client"; then
        echo client=installed
        version=$(docker version --format '{{.Server.Version}}' 2>/dev/null) || version=
        [ -n "$version" ] && echo running=true || echo running=false
        printf 'version=%s\n' "$version"
        # An engine in a swarm takes live-restore when it reloads, and never starts again.
        if [ -n "$version" ] && ! grep -q '"live-restore": *true' "$conf" 2>/dev/null; then
            swarm=$(docker info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null) || swarm=
            [ "$swarm" != active ] || echo swarm=active
        fi
    fi
    boot=true
    if [ -d /run/systemd/system ]; then
        unit=$(systemctl is-enabled docker 2>&1) || boot=false
        case $unit in
        masked*) echo unit=masked ;;
        not-found* | *'No such file'*)
            printf 'unit=missing\nprogram=%s\n' "$(docker --version 2>/dev/null)" ;;
        esac
    fi
    echo "boot=$boot"
    [ -e /run/provision-docker-reload ] && echo loaded=false || echo loaded=true
fi
[ ! -e "$conf" ] || printf 'file=%s\n' "$(base64 <"$conf" | tr -d '\n')"
