# Ends the process group of the script that follows when standard input ends, that is,
# with the connection; where heartbeat_timeout_s is not 0, also when no byte came for so
# many seconds.
#
# Also after the time limit: timeout(1) sends KILL to what ignores TERM only while the
# shell that it started is there, so that shell waits for the others of its group.
#
# needs: heartbeat_timeout_s

{ (
    if [ "$heartbeat_timeout_s" = 0 ]; then
        read -r nothing
    else
        while :; do
            heartbeat=$(timeout "$heartbeat_timeout_s" head -c 1)
            case $?$heartbeat in
            0?*) ;;
            0 | 124 | 143) break ;; # 143: busybox
            # timeout(1) did not start, as while its library is being replaced.
            *) sleep 1 ;;
            esac
        done
    fi
    trap '' TERM
    kill -TERM 0
    sleep 5
    kill -KILL 0
) <&3 3<&- >/dev/null 2>&1 & } 3<&0
watchdog=$!
trap 'kill "$watchdog" 2>/dev/null' EXIT
watchdog_finds_others() {
    read -r line </proc/self/stat
    # shellcheck disable=SC2086 # each word is a field
    set -- ${line##*) }
    group=$3
    for each in /proc/[0-9]*/stat; do
        { read -r line <"$each"; } 2>/dev/null || continue
        # shellcheck disable=SC2086 # each word is a field
        set -- "${line%% *}" ${line##*) }
        case $1 in "$group" | "$$" | "$watchdog") continue ;; esac
        [ "$3" != "$watchdog" ] || continue
        [ "$4" != "$group" ] || [ "$2" = Z ] || return 0
    done
    return 1
}
watchdog_on_term() {
    trap '' TERM
    for second in 1 2 3 4 5; do
        watchdog_finds_others || exit 143
        sleep 1
    done
    kill -KILL 0
}
trap watchdog_on_term TERM
