# Prints the last lines of one log of this host; goes on with new ones if it is to follow.
# Also over a restart of Ray, which begins a new folder of logs, and a new container's.
#
# needs: of, container, process, data_dir, lines, since_s, follow, units
refused() {
    printf '%s\n' "$1" >&2
    exit 95
}
since=''
[ "$since_s" = 0 ] || since=$(($(date +%s) - since_s))
# mawk reads whole blocks, and would hold back lines, unless it is told not to.
awk_at_once() {
    if awk -W version 2>/dev/null </dev/null | grep -q mawk; then
        awk -W interactive "$@"
    else
        awk "$@"
    fi
}
# Leaves out lines that are older, by the times that Ray writes; a line without one goes
# with the line before it.
younger() {
    [ -n "$since" ] || { cat; return; }
    first=$(date -u -d "@$since" '+%Y-%m-%d %H:%M:%S')
    # shellcheck disable=SC2016 # awk's variables
    awk_at_once -v first="$first" '
        match($0, /[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) {
            shown = substr($0, RSTART, RLENGTH) >= first
        }
        shown { print; fflush() }'
}
named() {
    # shellcheck disable=SC2016 # awk's variables
    awk_at_once 'sub(/^==> /, "") { sub(/ <==$/, ""); n = split($0, path, "/"); name = path[n]; next }
        $0 != "" { print name ": " $0; fflush() }'
}
session() { readlink -f "$data_dir/ray/session_latest" 2>/dev/null; }
tail_files() {
    count=$1
    shift
    if [ "$follow" = true ]; then
        tail -n "$count" -F /dev/null "$@" 2>/dev/null | named | younger &
    else
        tail -n "$count" /dev/null "$@" | named | younger
    fi
}
files_of_session() {
    set --
    for patterns in $globs; do
        for file in "$(session)"/logs/$patterns; do
            case $known in *"|$file|"*) continue ;; esac
            [ -f "$file" ] || continue
            known="$known|$file|"
            set -- "$@" "$file"
        done
    done
    [ "$#" -eq 0 ] || tail_files "$from" "$@"
}
logs_of_session() {
    known='' from=$lines
    [ -z "$since" ] || from=+1
    [ -d "$(session)/logs" ] || [ "$follow" = true ] ||
        refused "Ray has no logs on this host: not deployed, or never started"
    files_of_session
    from=+1
    while [ "$follow" = true ]; do
        sleep 1
        files_of_session
    done
}
logs_of_container() {
    command -v docker >/dev/null || refused 'Docker is not installed on this host: not deployed'
    [ "$follow" = true ] || docker container inspect "$container" >/dev/null 2>&1 ||
        refused "there is no container $container on this host: not deployed"
    set -- --tail "$lines"
    [ -z "$since" ] || set -- --since "$since"
    if [ "$follow" != true ]; then
        docker logs "$@" "$container" 2>&1
        return
    fi
    while :; do
        docker logs --follow "$@" "$container" 2>&1
        # It ended, or is being replaced: the next one is shown from here on.
        set -- --since "$(date +%s)"
        sleep 1
    done
}
logs_of_units() {
    command -v journalctl >/dev/null || refused 'this host has no journal (systemd)'
    set -- --no-pager --output=short-iso
    for unit in $units; do set -- "$@" --unit "$unit"; done
    if [ -n "$since" ]; then set -- "$@" --since "@$since"; else set -- "$@" --lines "$lines"; fi
    [ "$follow" != true ] || set -- "$@" --follow
    journalctl "$@"
}
# Of a node that is a process: systemd's journal has it, or without systemd a file.
logs_of_process() {
    if [ -d /run/systemd/system ]; then
        logs_of_units
        return
    fi
    [ -r "$process/log" ] || [ "$follow" = true ] ||
        refused "there is no $process/log on this host: not deployed"
    from=$lines
    [ -z "$since" ] || from=+1
    if [ "$follow" = true ]; then
        tail -n "$from" -F "$process/log" 2>/dev/null | younger
    else
        tail -n "$from" "$process/log" | younger
    fi
}
case $of in
ray) if [ -n "$process" ]; then logs_of_process; else logs_of_container; fi ;;
worker) globs='worker-*.out worker-*.err python-core-worker-*.log job-driver-*.log' && logs_of_session ;;
gcs) globs='gcs_server.* raylet.* dashboard.*' && logs_of_session ;;
*) logs_of_units ;;
esac
