# Prints whether there is an engine, a client for it, and what it says of itself; the words
# that dockerd is started with; and the daemon.json, whole.
#
# needs:
# uses: daemon_json/unit.sh, room.sh

conf=/etc/docker/daemon.json
client=false version=
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
# A start of docker.service fails also where one of the units that it needs is masked.
print_masked() {
    for unit in docker.service docker.socket containerd.service; do
        for file in "/etc/systemd/system/$unit" "/run/systemd/system/$unit"; do
            [ -L "$file" ] && [ "$(readlink "$file")" = /dev/null ] || continue
            printf 'unit=masked\nmasked=%s\n' "$unit"
            return
        done
    done
}
# The `docker` of podman or a snap has the place of an engine, also where it cannot answer;
# Docker's own alone has it only if an engine answers, which is then elsewhere.
other=false program=
if "$client" && ! command -v dockerd >/dev/null; then
    program=$(LC_ALL=C docker --version 2>/dev/null) || program=
    case $program in
    'Docker version '*) ! docker version >/dev/null 2>&1 || other=true ;;
    *) other=true ;;
    esac
fi
if "$other" || command -v dockerd >/dev/null; then
    echo engine=installed
    ! "$other" || printf 'program=%s\n' "$program"
    # Debian 13 has the client in a package of its own, which its engine does without.
    ! "$client" || print_info
    boot=true
    if [ -d /run/systemd/system ]; then
        show_unit || exit 1
        case $(property LoadState) in
        masked) echo unit=masked ;;
        not-found) echo unit=missing ;;
        # One that runs has its reason, such as a unit that wants none of the others.
        *) [ -n "$version" ] || print_masked ;;
        esac
        case $(property UnitFileState) in
        enabled* | static | alias | indirect) ;;
        # Of an init script only this knows whether it is started at boot.
        generated) systemctl is-enabled docker >/dev/null 2>&1 || boot=false ;;
        *) boot=false ;;
        esac
    fi
    # One that systemd does not start either, whatever its unit is called.
    case $other$program in 'trueDocker version '* | false*) ;; *) echo unit=missing ;; esac
    echo "boot=$boot"
    [ -e /run/provision-docker-reload ] && echo loaded=false || echo loaded=true
    print_flags
else
    print_room /usr /var/cache "$(nearest /var/lib/docker)"
    [ ! -d /run/systemd/system ] || print_masked
    units=/etc/systemd/system/docker.service
    if [ -d /run/systemd/system ] && ! grep -qs '^ExecStart=.' "$units" "$units.d"/*.conf; then
        echo init=systemd
    fi
fi
[ ! -e "$conf" ] || printf 'file=%s\n' "$(base64 <"$conf" | tr -d '\n')"
