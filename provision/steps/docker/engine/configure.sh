# needs: document, install, complete, restart, "$@"
# uses: packages.sh, note_engine.sh, daemon_json/put_back.sh
# Writes daemon.json, installs the packages if there is no engine, or no client for the one
# that is there, and starts it.

write_conf() {
    note_path "$conf"
    [ -d "$dir" ] || made_dir=true
    mkdir -p "$dir"
    # What a run that was killed has left there is what the engine last ran with.
    if [ ! -e "$due" ] || [ ! -e "$old" ]; then
        rm -f "$old"
        [ ! -e "$conf" ] || cp -p "$conf" "$old"
    fi
    [ ! -e "$conf" ] || cp -p "$conf" "$conf.new"
    printf '%s\n' "$document" >"$conf.new"
    ! command -v dockerd >/dev/null || validate "$conf.new"
    : >"$due"
    noted_before=$(noted engine:daemon.json)
    note_conf "$conf" "$conf.new"
    mv "$conf.new" "$conf"
    placed=true
}
reload() {
    asked=reload
    [ ! -e "$log" ] || lines=$(wc -l <"$log")
    since=$(date +%s)
    kill -HUP "$(cat /run/docker.pid)"
    sleep 1
    refused=$(printed_since | grep 'unable to configure\|Error reconfiguring\|Error validating') ||
        refused=
    [ -z "$refused" ] || {
        printf 'dockerd does not take over the new daemon.json:\n%s\n' "$refused" >&2
        exit 1
    }
}

! is_up || up=true
trap put_back_conf EXIT

if "$install"; then note_new_engine; else note_engine "$up"; fi
[ -z "$document" ] || write_conf
if "$install"; then
    asked=install
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
since=$(date +%s)
if ! "$up"; then
    asked=start
    answers || service_is start
elif [ -e "$due" ] && "$restart"; then
    asked=restart
    service_is restart
elif [ -e "$due" ]; then
    reload
fi
came_up
if [ -d /run/systemd/system ]; then systemctl enable -q docker; fi
rm -f "$due" "$old"
