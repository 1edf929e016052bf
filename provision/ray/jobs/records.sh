# Prints the recorded lists of jobs as an archive; nothing if there are none.
#
# needs: folder
[ -d "$folder/lists" ] || exit 0
# 1: a file has changed while it was read, and is replaced as a whole.
tar -C "$folder" -czf - lists || [ "$?" = 1 ]
