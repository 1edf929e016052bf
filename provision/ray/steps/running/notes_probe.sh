# Prints which of the nodes "$@" are noted as stopped on purpose, and the mark of this host's.
#
# needs: notes_dir, stop_mark, "$@"
# uses: ../stop_mark/mark.sh
print_stop_mark
for address; do
    [ ! -f "$notes_dir/$address" ] || printf 'node.%s=noted\n' "$address"
done
