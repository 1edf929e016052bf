# needs: lock_timeout_s
# Functions that wait for the lock of apt, and finish what was interrupted. /proc/locks is
# read since apt before 1.9 does not name who holds it, and fuser is often missing.

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none
locks='/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock
/var/cache/apt/archives/lock'
lock_holder() {
    for lock in $locks; do
        inode=$(stat -c %i "$lock" 2>/dev/null) || continue
        held=": [A-Z]* *[A-Z]* *WRITE \([1-9][0-9]*\) [^ ]*:$inode .*"
        pid=$(sed -n "s/^[0-9]*$held/\1/p" /proc/locks | head -n 1)
        [ -n "$pid" ] || continue
        command=$(tr '\0\n' '  ' <"/proc/$pid/cmdline" | cut -c -80) || command=
        printf '%s is held by process %s (%s)\n' "$lock" "$pid" "${command% }"
        return 0
    done
    return 1
}
# Runs "$@", and sets $errors to its standard error. Its output goes to files: a daemon that
# a package starts may keep it open, and would keep the connection busy. They have no name,
# so that nothing is left of them.
follow() {
    # shellcheck disable=SC2094 # it is read while it is written
    log=$(mktemp) && exec 8>"$log" 9<"$log" && rm -f -- "$log"
    # shellcheck disable=SC2094 # the same
    log=$(mktemp) && exec 6>"$log" 7<"$log" && rm -f -- "$log"
    "$@" >&8 2>&6 6>&- 7<&- 8>&- 9<&- &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        cat <&9
    done
    followed=0
    wait "$pid" || followed=$?
    cat <&9
    errors=$(cat <&7)
    exec 6>&- 7<&- 8>&- 9<&-
    [ -z "$errors" ] || printf '%s\n' "$errors" >&2
    return "$followed"
}
# Without a terminal, which apt would make for dpkg: a package that asks would wait on it
# for an answer, and what dpkg says of an error would not come as one.
apt_get() {
    follow apt-get -y -q -o DPkg::Lock::Timeout="$lock_timeout_s" -o Dpkg::Use-Pty=0 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
# True if a dpkg that was killed has left something to be done.
is_interrupted() { [ -n "$(ls -A /var/lib/dpkg/updates)" ]; }
# Does it, or waits until another play of this host has.
repair_dpkg() {
    repair_s=0
    while is_interrupted; do
        follow dpkg --force-confdef --force-confold --configure -a && return
        # dpkg 1.22 no longer says "by another process", but by which.
        case $errors in *'lock was locked by '*) ;; *) return 1 ;; esac
        [ "$repair_s" -lt "$lock_timeout_s" ] || return 1
        sleep 1
        repair_s=$((repair_s + 1))
    done
}
apt() {
    apt_get "$@" && return
    case $errors in
    *'dpkg was interrupted'*) repair_dpkg && apt_get "$@" && return ;;
    *)
        if lock_holder >&2; then return 75; fi
        ! is_interrupted || { repair_dpkg && apt_get "$@" && return; } ;;
    esac
    if lock_holder >&2; then return 75; fi
    name_obstacles >&2
    return 1
}
# The packages that apt may have meant, whose names are not in its errors.
name_obstacles() {
    held=$(apt-mark showhold | tr '\n' ' ') || held=
    [ -z "$held" ] || echo "packages on hold: $held"
    half=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' |
        sed -n 's/^.[HUFW].//p' | tr '\n' ' ') || half=
    [ -z "$half" ] || echo "packages that are not wholly installed: $half"
}
