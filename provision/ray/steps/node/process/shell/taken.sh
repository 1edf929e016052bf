# Prints the first of the ports that is taken, by which process and user: from the kernel's own
# list, since a bare host may have no ss.
#
# needs: ports

# Prints the program and id of the process that has the socket with inode $1.
taken_by() {
    # shellcheck disable=SC2012 # names there are numbers, and find of busybox reads no links
    ls -l /proc/[0-9]*/fd 2>/dev/null | sed -n -e '\|^/proc/|p' -e "/socket:\[$1\]/p" |
        while read -r taken_line; do
            case $taken_line in
            /proc/*) taken_pid=${taken_line#/proc/} taken_pid=${taken_pid%%/*} ;;
            *)
                read -r taken_name 2>/dev/null <"/proc/$taken_pid/comm" || taken_name=
                printf '("%s",pid=%s)' "$taken_name" "$taken_pid"
                break ;;
            esac
        done
}
taken_user() { getent passwd "$1" 2>/dev/null | cut -d : -f 1 | grep . || printf '%s\n' "$1"; }
print_taken() {
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        while read -r _ taken_at _ taken_state _ _ _ taken_uid _ taken_inode _; do
            [ "$taken_state" = 0A ] || continue
            taken_port=$((0x${taken_at##*:}))
            case " $ports " in *" $taken_port "*) ;; *) continue ;; esac
            printf 'taken.%s=%s of %s\n' "$taken_port" "$(taken_by "$taken_inode")" \
                "$(taken_user "$taken_uid")"
            break
        done
}
