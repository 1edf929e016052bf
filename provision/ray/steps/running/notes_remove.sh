# Removes the notes about the nodes "$@".
#
# needs: notes_dir, "$@"
for address; do
    rm -f -- "$notes_dir/$address"
done
