# Stops the process of a Ray node, and all that it has started.
#
# needs: stop_s
# uses: process.sh

stop_process() {
    if process_has_systemd; then
        # One without a unit has nothing to stop.
        systemctl stop "$process_unit" 2>/dev/null ||
            [ "$(process_status)" = stopped ] || return 1
        systemctl reset-failed "$process_unit" 2>/dev/null || true
        return 0
    fi
    stop_session=$(process_session) || { rm -f -- "$process/pid"; return 0; }
    kill -TERM "$stop_session" 2>/dev/null || true
    stop_most_s=$stop_s
    stop_until=$(($(date +%s) + stop_most_s))
    while process_id >/dev/null && [ "$(date +%s)" -lt "$stop_until" ]; do sleep 0.2; done
    # What is left: what ignores that, and what its parent has left behind.
    stop_left=$(process_members "$stop_session")
    # shellcheck disable=SC2086 # each word is a process
    [ -z "$stop_left" ] || kill -KILL $stop_left 2>/dev/null || true
    rm -f -- "$process/pid"
}
