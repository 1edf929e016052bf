# Prints how many lines of the manifest are about what is as it was.
#
# needs:
# uses: still_there.sh

[ -d "$manifest_dir" ] || exit 0
past=0
count_past() { is_altered "$1" "$2" || past=$((past + 1)); }
each_noted count_past
[ "$past" -eq 0 ] || printf 'past=%s\n' "$past"
[ -s "$manifest" ] || echo past=all
