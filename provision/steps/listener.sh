# needs:

# Prints who listens at the address $2 and port $3: `own` for a process of the unit $1 of
# systemd, `nobody`, or the process that does; nothing if that cannot be known here.
listener() {
    [ -d /run/systemd/system ] && command -v ss >/dev/null || return 0
    listening=$(ss -Hltnp "sport = :$3" 2>/dev/null) || return 0
    listening=$(printf '%s\n' "$listening" | while read -r _ _ _ local rest; do
        # A name is not resolved here: then any address may be meant.
        case $2 in
        *[!0-9.:]*) ;;
        *) case ${local%:*} in "$2" | "[$2]" | '*' | 0.0.0.0 | '[::]' | "$2%"*) ;; *) continue ;; esac ;;
        esac
        printf '%s %s\n' "$local" "$rest"
    done)
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
