# Function that prints which nodes the head has noted as stopped on purpose.
#
# needs: notes_dir
print_stop_notes() (
    [ -d "$notes_dir" ] || exit 0
    for note in "$notes_dir"/*; do
        [ ! -f "$note" ] || printf 'stopped node "%s"\n' "${note##*/}"
    done
)
