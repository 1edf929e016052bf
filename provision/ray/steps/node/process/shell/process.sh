# Functions about the process of a Ray node. Its folder `$process` has
#
#     run      runs a command with the environment of the node
#     start    starts Ray
#     spec     what Ray was started with: a line for each parameter
#     reads    the files that it reads at its start
#     files    the same, with the digests that they had
#     user     who runs it, without systemd
#     environment   a link to its virtual environment
#     made_by  the id of the run that has made it
#     not_started   is there if a rollback has put it back and was cut off then
#     pid      without systemd: its id, the time of its start, and the id of the boot
#
# needs: cluster, process

process_unit=provision-ray-$cluster.service
process_has_systemd() { [ -d /run/systemd/system ]; }
# Prints the fields of the process $1 after its name, of which the first is its state.
process_fields() {
    { read -r process_line <"/proc/$1/stat"; } 2>/dev/null || return 1
    printf '%s\n' "${process_line##*) }"
}
# Prints when the process $1 was started, in ticks since the boot; fails if it has ended.
process_begun() {
    process_words=$(process_fields "$1") || return 1
    # shellcheck disable=SC2086 # each word is a field
    set -- $process_words
    [ "$1" != Z ] || return 1
    printf '%s\n' "${20}"
}
# Prints the session of the detached process; fails if there was none since the boot, or its
# number is another process's by now. Linux gives it to nobody while one of the session is left.
process_session() {
    { read -r process_pid process_start process_boot <"$process/pid"; } 2>/dev/null || return 1
    read -r process_now </proc/sys/kernel/random/boot_id
    [ "$process_boot" = "$process_now" ] || return 1
    [ ! -e "/proc/$process_pid" ] || [ "$(process_begun "$process_pid")" = "$process_start" ] ||
        process_is_zombie "$process_pid" || return 1
    printf '%s\n' "$process_pid"
}
process_is_zombie() { case $(process_fields "$1") in Z*) ;; *) false ;; esac; }
# Prints the id of the detached process; fails if it has ended.
process_id() {
    process_own=$(process_session) && process_begun "$process_own" >/dev/null || return 1
    printf '%s\n' "$process_own"
}
# Prints the processes of the session $1.
process_members() {
    for process_each in /proc/[0-9]*; do
        process_words=$(process_fields "${process_each#/proc/}") || continue
        # shellcheck disable=SC2086 # each word is a field
        set -- "$1" $process_words
        [ "$5" != "$1" ] || [ "$2" = Z ] || printf '%s\n' "${process_each#/proc/}"
    done
}
# Is true if processes are left that a detached one has started.
process_has_left() {
    process_own=$(process_session) && [ -n "$(process_members "$process_own")" ]
}
# Prints running, restarting or stopped.
process_status() {
    if process_has_systemd; then
        case $(systemctl show -p ActiveState "$process_unit") in
        *=active | *=reloading) echo running ;;
        *=activating) echo restarting ;;
        *) echo stopped ;;
        esac
    elif process_id >/dev/null; then
        echo running
    else
        echo stopped
    fi
}
