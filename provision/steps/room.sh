# needs: room_mb

# Prints the nearest directory that is there at or above $1.
nearest() {
    nearest=$1
    while [ ! -d "$nearest" ]; do
        nearest=${nearest%/*}
        [ -n "$nearest" ] || nearest=/
    done
    printf '%s\n' "$nearest"
}
# Prints which file systems of the directories "$@" have too little room: the free KiB, by mount
# point, and the free inodes and how many there are. Where there is enough nothing is printed:
# numbers that never stay the same would be another state at every look.
print_room() {
    df -P -k -- "$@" 2>/dev/null | while read -r _ _ _ free _ mount; do
        case $free in '' | *[!0-9]*) continue ;; esac
        [ "$((free / 1024))" -ge "$room_mb" ] || printf 'room.%s=%s\n' "$mount" "$free"
    done
    stat -f -c '%d %c %n' -- "$@" 2>/dev/null | while read -r free all path; do
        # Of some file systems there are none to be counted.
        [ "$all" -eq 0 ] || [ "$free" -ge "$((room_mb * 10))" ] ||
            printf 'inodes.%s=%s %s\n' "$path" "$free" "$all"
    done
}
