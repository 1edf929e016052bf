# needs: name, archive, host, port, "$@"
# uses: service_files.sh, listener.sh

link_is_older() {
    [ -n "$archive" ] || return 0
    touched=$(stat -c %Z -- "$archive/current" 2>/dev/null) && [ "$touched" -lt "$at" ]
}
is_current() {
    [ -z "$archive" ] || [ "$(version current)" = "$(version healthy)" ] || return 1
    if [ -r "$record" ] && read -r start digest <"$record" &&
        [ "$start" = "$(started)" ]; then
        [ "$digest" = "$(digest "$@")" ]
        return
    fi
    # Someone else started it: see whether a file has been touched since.
    compared="times"
    has_systemd || return 1
    at=$(date -d "$(property ExecMainStartTimestamp)" +%s 2>/dev/null) || return 1
    link_is_older || return 1
    for file; do
        touched=$(stat -L -c %Z -- "$file" 2>/dev/null) || return 1
        [ "$touched" -lt "$at" ] || return 1
    done
}
[ -z "$port" ] || who=$(listener "$name.service" "$host" "$port")
case ${who:-} in
'' | own | nobody) ;;
*) printf 'taken=%s\n' "$who" ;;
esac
exists || exit 0
compared="contents"
running=$(state)
# Seconds since it was started; one that has just been may not be ready.
age() {
    at=$(date -d "$(property ExecMainStartTimestamp)" +%s 2>/dev/null) || at=0
    echo $(($(date +%s) - at))
}
if has_systemd && [ "$running" = true ]; then
    [ "${who:-}" != nobody ] || [ "$(age)" -lt 60 ] || echo listener=nobody
    restarts=$(property NRestarts)
    if [ "${restarts:-0}" -ge 3 ] && [ "$(age)" -lt 120 ]; then
        printf 'restarts=%s\n' "$restarts"
    fi
fi
printf 'running=%s\nboot=%s\n' "$running" "$(boot)"
if [ "$running" != true ] || is_current "$@"; then
    echo files=current
else
    echo files=outdated
fi
echo "compared=$compared"
