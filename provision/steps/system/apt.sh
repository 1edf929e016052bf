# needs: lock_timeout_s
# Functions that wait for the lock of apt, and finish what was interrupted. /proc/locks is
# read since apt before 1.9 does not name who holds it, and fuser is often missing.

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
locks='/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock
/var/cache/apt/archives/lock'
lock_holder() {
    for lock in $locks; do
        inode=$(stat -c %i "$lock" 2>/dev/null) || continue
        held=": [A-Z]* *[A-Z]* *WRITE \([1-9][0-9]*\) [^ ]*:$inode .*"
        pid=$(sed -n "s/^[0-9]*$held/\1/p" /proc/locks | head -n 1)
        [ -n "$pid" ] || continue
        command=$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c -80) || command=
        printf '%s is held by process %s (%s)\n' "$lock" "$pid" "${command% }"
        return 0
    done
    return 1
}
apt_get() {
    apt-get -y -q -o DPkg::Lock::Timeout="$lock_timeout_s" \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
apt() {
    apt_get "$@" && return
    if lock_holder >&2; then return 75; fi
    # What a dpkg that was killed left to be done lies here.
    [ -n "$(ls -A /var/lib/dpkg/updates)" ] || return 1
    dpkg --force-confdef --force-confold --configure -a && apt_get "$@"
}
