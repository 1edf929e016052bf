# needs:
# uses: docker/engine/note_engine.sh, validate.sh
# Functions that start the engine, and that go back to the daemon.json it ran with.

dir=/etc/docker
conf=$(readlink -f "$dir/daemon.json") || conf=$dir/daemon.json
due=/run/provision-docker-reload
old=$dir/daemon.json.old
log=/var/log/docker.log
lines=0
since=$(date +%s)
made_dir=false
placed=false
restored=false
noted_before=
up=false
# What was asked of the engine so far: install, start, restart or reload.
asked=

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
        ! is_up || return 0
        sleep 2
    done
    return 1
}
printed_since() {
    if [ -d /run/systemd/system ]; then
        journalctl -u docker --since "@$since" -o cat --no-pager 2>/dev/null || true
    else
        tail -n "+$((lines + 1))" "$log" 2>/dev/null || true
    fi
}
# Stopped by its socket as well, which would start it again.
stop_engine() {
    if [ -d /run/systemd/system ]; then
        systemctl stop docker.socket docker 2>/dev/null || systemctl stop docker || true
        systemctl reset-failed docker docker.socket 2>/dev/null || true
    else
        service docker stop || true
    fi
}
# Is called when the script ends. If that is for an error, nothing is left of it: daemon.json
# is as it was, an engine that ran runs, and one that does not start is stopped.
put_back_conf() {
    code=$?
    trap - EXIT
    [ "$code" != 0 ] || exit 0
    set +e
    rm -f "$conf.new"
    if "$placed" || { [ -e "$due" ] && [ -e "$old" ]; }; then
        printed_since | grep 'level=fatal\|unable to configure\|failed to start daemon' |
            tail -n 3 >&2
        restore_old_conf
    fi
    rm -f "$old"
    if "$made_dir"; then rmdir "$dir" 2>/dev/null; fi
    ! command -v dockerd >/dev/null || start_as_before
    exit "$code"
}
restore_old_conf() {
    restored=true
    if [ -e "$old" ]; then mv -f "$old" "$conf"; else rm -f "$conf"; fi
    rm -f "$due"
    forget engine:daemon.json
    [ -z "$noted_before" ] || note engine:daemon.json "$noted_before"
}
start_as_before() {
    case $asked in
    '') return ;;
    reload)
        if is_up; then
            kill -HUP "$(cat /run/docker.pid)"
            echo 'it runs with the old one, which is put back' >&2
            return
        fi
        ;;
    esac
    # Only a start without the new one tells whether that was to blame.
    if service_is restart && came_up; then
        ! "$restored" || echo 'docker does not start with the new daemon.json: it runs with the' \
            'old one, which is put back' >&2
        return 0
    fi
    ! "$restored" || echo 'docker starts neither with the new daemon.json nor with what was' \
        'there before, which is put back: daemon.json is not the reason' >&2
    echo 'docker does not start: it is stopped' >&2
    stop_engine
}
