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
    fi
    [ -d /run/systemd/system ] && ! systemctl is-enabled -q docker 2>/dev/null &&
        echo boot=false || echo boot=true
    [ -e /run/provision-docker-reload ] && echo loaded=false || echo loaded=true
fi
[ ! -e "$conf" ] || printf 'file=%s\n' "$(base64 <"$conf" | tr -d '\n')"
