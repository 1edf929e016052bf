# needs:

# Prints the nearest directory that is there at or above $1.
nearest() {
    at=$1
    while [ ! -d "$at" ]; do
        at=${at%/*}
        [ -n "$at" ] || at=/
    done
    printf '%s\n' "$at"
}
# Prints the free KiB of the file systems of the directories "$@", by mount point; and how many
# inodes of each are free, and of how many: of none, where that is no limit.
print_room() {
    df -P -k -- "$@" 2>/dev/null | while read -r _ _ _ free _ mount; do
        case $free in '' | *[!0-9]*) ;; *) printf 'room.%s=%s\n' "$mount" "$free" ;; esac
    done
    stat -f -c 'inodes.%n=%d %c' -- "$@" 2>/dev/null || true
}
