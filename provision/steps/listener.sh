# needs:

# Prints who listens at the port $2: `own` for a process of the unit $1 of systemd, `nobody`,
# or the process that does; nothing if that cannot be known here.
listener() {
    [ -d /run/systemd/system ] && command -v ss >/dev/null || return 0
    listening=$(ss -Hltnp "sport = :$2" 2>/dev/null) || return 0
    case $listening in
    '') echo nobody ;;
    *pid=*)
        for pid in $(printf '%s\n' "$listening" | grep -o 'pid=[0-9]*'); do
            # On a host that is a container there is more before the unit.
            ! grep -qs "/$1\(/.*\)\{0,1\}\$" "/proc/${pid#pid=}/cgroup" || { echo own; return; }
        done
        printf '%s\n' "$listening" | sed -n '1s/.*users:((\(.*\)))$/\1/p' ;;
    esac
}
