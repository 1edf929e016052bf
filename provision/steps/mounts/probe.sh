# needs: "$@"
# uses: answers.sh
# Prints, for each path by its number, its line in fstab, what is mounted there, and how the
# path is. Only the last look asks the file system itself.

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
    [ "$how" = missing ] || printf '%s.path=%s\n' "$number" "$how"
    number=$((number + 1))
done
