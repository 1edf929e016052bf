# Notes that the nodes "$@" are stopped on purpose.
#
# needs: notes_dir, "$@"
install -d -m 700 -- "$notes_dir"
for address; do
    : >"$notes_dir/$address"
done
