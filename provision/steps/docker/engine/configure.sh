# needs: document, install, complete, restart, "$@"
# uses: packages.sh, note_engine.sh
# Writes daemon.json, installs the packages if there is no engine, or no client for the one
# that is there, and starts it.

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
is_up() {
    if command -v docker >/dev/null; then
        answers
    else
        pid=$(cat /run/docker.pid 2>/dev/null) && kill -0 "$pid" 2>/dev/null
    fi
}
service_is() {
    if [ -d /run/systemd/system ]; then
        systemctl reset-failed docker 2>/dev/null || true
        systemctl "$1" docker
    else
        service docker "$1"
    fi
}
came_up() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        ! answers || return 0
        sleep 2
    done
    return 1
}

dir=/etc/docker
conf=$(readlink -f "$dir/daemon.json") || conf=$dir/daemon.json
due=/run/provision-docker-reload
old=$dir/daemon.json.old
up=false
! is_up || up=true

if "$install"; then note_new_engine; else note_engine "$up"; fi
if [ -n "$document" ]; then
    note_path "$conf"
    mkdir -p "$dir"
    [ ! -e "$conf" ] || cp -p "$conf" "$old"
    [ ! -e "$conf" ] || cp -p "$conf" "$conf.new"
    printf '%s\n' "$document" >"$conf.new"
    if dockerd --help 2>/dev/null | grep -q -e --validate; then
        dockerd --validate --config-file "$conf.new"
    fi
    : >"$due"
    noted_before=$(noted engine:daemon.json)
    note_conf "$conf" "$conf.new"
    mv "$conf.new" "$conf"
fi
if "$install"; then
    # shellcheck disable=SC2046 # each word is a package
    [ $# -gt 0 ] || set -- $(choose engine_packages)
    [ $# -gt 0 ]
    install_with_client "$@"
elif "$complete"; then
    # shellcheck disable=SC2046 # each word is a package
    [ $# -gt 0 ] || set -- $(choose client_packages)
    [ $# -gt 0 ]
    install_with_client "$@"
fi
if [ -d /run/systemd/system ]; then systemctl enable -q docker; fi
if ! "$up"; then
    answers || service_is start || true
elif [ -e "$due" ] && "$restart"; then
    service_is restart || true
elif [ -e "$due" ]; then
    kill -HUP "$(cat /run/docker.pid)"
    sleep 1
fi
put_conf_back() {
    if [ -e "$old" ]; then mv "$old" "$conf"; else rm -f "$conf"; fi
    forget engine:daemon.json
    [ -z "$noted_before" ] || note engine:daemon.json "$noted_before"
    rm -f "$due"
}
if ! came_up; then
    if [ -n "$document" ]; then
        put_conf_back
        # Only a start without the new one tells whether that was to blame.
        if service_is restart && came_up; then
            echo 'docker does not start with the new daemon.json: it runs with the old one,' \
                'which is put back'
        else
            echo 'docker starts neither with the new daemon.json nor with what was there' \
                'before, which is put back: daemon.json is not the reason'
        fi
    fi >&2
    exit 1
fi
rm -f "$due" "$old"
