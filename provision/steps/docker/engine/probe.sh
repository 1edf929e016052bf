# Prints whether there is an engine, a client for it, and what it says of itself; the words
# that dockerd is started with; and the daemon.json, whole.
#
# needs:
# uses: daemon_json/unit.sh, room.sh

conf=/etc/docker/daemon.json
client=false
! command -v docker >/dev/null || client=true
print_info() {
    echo client=installed
    # One call for all: each costs a host more than all of a shell's own work.
    info=$(docker info --format '{{.ServerVersion}} {{.Swarm.LocalNodeState}} {{.SecurityOptions}}' 2>/dev/null) ||
        info=
    version=${info%% *}
    [ -n "$version" ] && echo running=true || echo running=false
    printf 'version=%s\n' "$version"
    # An engine in a swarm takes live-restore when it reloads, and never starts again.
    case $info in *' active '*)
        grep -q '"live-restore": *true' "$conf" 2>/dev/null || echo swarm=active ;;
    esac
    case $info in *name=userns*) echo userns=remapped ;; esac
}
if command -v dockerd >/dev/null || { "$client" && docker version >/dev/null 2>&1; }; then
    echo engine=installed
    # Debian 13 has the client in a package of its own, which its engine does without.
    ! "$client" || print_info
    boot=true
    if [ -d /run/systemd/system ]; then
        show_unit || exit 1
        case $(property LoadState) in
        masked) echo unit=masked ;;
        not-found) printf 'unit=missing\nprogram=%s\n' "$(docker --version 2>/dev/null)" ;;
        esac
        case $(property UnitFileState) in
        enabled* | static | alias | indirect) ;;
        # Of an init script only this knows whether it is started at boot.
        generated) systemctl is-enabled docker >/dev/null 2>&1 || boot=false ;;
        *) boot=false ;;
        esac
    fi
    echo "boot=$boot"
    [ -e /run/provision-docker-reload ] && echo loaded=false || echo loaded=true
    print_flags
else
    print_room /usr /var/cache "$(nearest /var/lib/docker)"
    units=/etc/systemd/system/docker.service
    if [ -d /run/systemd/system ] && ! grep -qs '^ExecStart=.' "$units" "$units.d"/*.conf; then
        echo init=systemd
    fi
fi
[ ! -e "$conf" ] || printf 'file=%s\n' "$(base64 <"$conf" | tr -d '\n')"
