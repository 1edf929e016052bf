# needs: "$@"
# uses: answers.sh, room_of.sh
# Prints, for each path by its number, its line in fstab, what is mounted there, how the path
# is, and the size and the free room of its file system in MiB. Only the last two looks ask the
# file system itself.

mount_of() (
    while read -r _ _ _ _ point _ rest; do
        [ "$point" != "$1" ] || found=${rest#*- }
    done </proc/self/mountinfo
    [ -z "${found:-}" ] || printf '%s\n' "$found"
)
line_of() (
    [ ! -e /etc/fstab ] || while read -r source point type options _; do
        case $source in '#'*) continue ;; esac
        [ "$point" != "$1" ] || printf '%s %s %s\n' "$source" "$type" "$options"
    done </etc/fstab
)
how_is() {
    answers "$1" || {
        [ $? -eq 1 ] || { echo hangs; return; }
        [ -n "$2" ] && echo broken || echo missing
        return
    }
    [ -d "$1" ] || { echo 'no directory'; return; }
    [ -n "$2" ] || [ -z "$(ls -A -- "$1")" ] || { echo 'has files'; return; }
    echo ready
}
number=0
for path; do
    line=$(line_of "$path")
    [ -z "$line" ] || printf '%s.fstab=%s\n' "$number" "$line"
    mounted=$(mount_of "$path")
    [ -z "$mounted" ] || printf '%s.mounted=%s\n' "$number" "$mounted"
    how=$(how_is "$path" "$mounted")
    room=
    case $how in ready | 'has files') room=$(room_of "$path") ;; esac
    # An answer to the first look may be one that the host remembers of a server that is gone.
    [ "$room" != hangs ] || { how=hangs room=; }
    [ -z "$room" ] || printf '%s.room=%s\n' "$number" "$room"
    [ "$how" = missing ] || printf '%s.path=%s\n' "$number" "$how"
    number=$((number + 1))
done
