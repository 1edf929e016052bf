# needs: ports, container, programs_dir
# The function print_ports, which tells who listens at the ports that a deploy needs, and
# what of it is the cluster's own.

print_ports() (
    command -v ss >/dev/null || { echo ports=unknown; return 0; }
    own=$(docker inspect -f '{{.State.Pid}}' -- "$container" 2>/dev/null) || own=
    case $own in
    '') ;;
    0) echo node=stopped ;;
    *) echo node=running ;;
    esac
    ss -Hltnp 2>/dev/null | while read -r _ _ _ local process; do
        port=${local##*:}
        case " $ports " in *" $port "*) ;; *) continue ;; esac
        whose=other
        for pid in $(printf '%s\n' "$process" | grep -o 'pid=[0-9]*'); do
            ! is_own "${pid#pid=}" "${own:-0}" || whose=own
        done
        printf 'port.%s=%s %s %s\n' "$port" "$whose" "${local%:*}" \
            "$(printf '%s\n' "$process" | sed -n 's/.*users:((\(.*\)))$/\1/p')"
    done
)
# True if process $1 is a child of process $2, or is a program of the cluster.
is_own() (
    pid=$1
    case $(readlink "/proc/$pid/exe" 2>/dev/null) in "$programs_dir"/*) return 0 ;; esac
    ! grep -qs "$programs_dir/" "/proc/$pid/cmdline" || return 0
    while [ "${pid:-0}" -gt 1 ]; do
        [ "$pid" != "$2" ] || return 0
        pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status" 2>/dev/null)
    done
    return 1
)
