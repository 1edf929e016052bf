# needs: name, act, boot, stays_s, archive, host, port, path, health_s, "$@"
# uses: service_files.sh, listener.sh, http.sh
# Starts or stops a service, sees that it is well, and goes back if it is not. Its files are
# "$@"; without a port nothing is asked.

begin() {
    rm -f "$record"
    begun=$(date +%s)
    if has_systemd; then
        systemctl reset-failed "$name" 2>/dev/null || true
        systemctl "$act" "$name"
        return
    fi
    # A daemon that keeps our output open would keep the connection busy.
    if ! "/etc/init.d/$name" "$act" >"$record.out" 2>&1; then
        cat "$record.out" >&2
        return 1
    fi
    rm -f "$record.out"
}
is_up() {
    refresh
    again=0
    ! has_systemd || again=$(property NRestarts)
    [ "$(state)" = true ] && [ "${again:-0}" -eq 0 ]
}
# Without a page to ask, a service is well that stays up for a while.
is_well() {
    if [ -z "$port" ]; then
        sleep "$stays_s"
        is_up && return
        echo "it was started and ended within $stays_s s" >&2
        return 1
    fi
    deadline=$(($(date +%s) + health_s))
    pause=0.1
    while code=$(http 3 code "$host" "$port" "$path") && [ "$code" != 200 ]; do
        if ! is_up; then
            echo 'it was started and ended before it was healthy' >&2
            return 1
        elif [ "$(date +%s)" -ge "$deadline" ]; then
            printf 'it was not healthy within %s s: http://%s:%s%s answered: %s\n' \
                "$health_s" "$host" "$port" "$path" "${code:-nothing}" >&2
            return 1
        fi
        sleep "$pause"
        case $pause in 0.1) pause=0.2 ;; 0.2) pause=0.4 ;; *) pause=1 ;; esac
    done
    who=$(listener "$name.service" "$host" "$port")
    case $who in
    '' | own)
        is_up && return
        echo 'it was healthy and ended' >&2 ;;
    *) printf 'it does not answer at port %s itself: %s does\n' "$port" "$who" >&2 ;;
    esac
    return 1
}
point() {
    rm -f -- "$archive/.$1"
    ln -s -- "$2" "$archive/.$1"
    mv -f -T -- "$archive/.$1" "$archive/$1"
}
remember() {
    printf '%s %s\n' "$(started)" "$(digest "$@")" >"$record"
    [ -z "$archive" ] || point healthy "$(version current)"
}
# A version that was healthy once is not to blame, and is not left.
roll_back() {
    tried=$(version current)
    good=$(version healthy)
    [ -n "$archive" ] && [ -n "$good" ] && [ "$good" != "$tried" ] &&
        [ -d "$archive/$good" ] || return 0
    if has_systemd; then
        echo "the last words of $tried:" >&2
        # Its own lines, without those of systemd about it.
        journalctl _SYSTEMD_UNIT="$(property Id)" --since "@$begun" --no-pager \
            -o cat | tail -n 4 >&2
    fi
    point current "$good"
    if begin && is_well; then
        remember "$@"
        echo "rolled back: $tried did not become healthy, $good runs again" >&2
    else
        echo "rolled back from $tried to $good, which is not healthy either" >&2
    fi
}

# What systemd would start again and again is stopped; what has failed for good stays so, and
# what runs without being healthy may only be slow.
stop_restarting() {
    has_systemd || return 0
    refresh
    again=$(property NRestarts)
    if [ "$(state)" = starting ] || [ "${again:-0}" -gt 0 ]; then
        systemctl stop "$name"
        echo 'it is stopped: systemd would have started it again and again' >&2
    fi
}

exists || { printf 'this host has no service %s\n' "$name" >&2; exit 1; }
case $act in
'') ;;
restart)
    if begin && is_well; then
        remember "$@"
    else
        roll_back "$@"
        stop_restarting
        exit 1
    fi ;;
*) begin ;;
esac
# After it: what does not stay up is not started again at boot.
case $boot in
'') ;;
*)
    if has_systemd; then
        systemctl -q "$boot" "$name"
    else
        update-rc.d "$name" defaults >/dev/null
        update-rc.d "$name" "$boot"
    fi ;;
esac
