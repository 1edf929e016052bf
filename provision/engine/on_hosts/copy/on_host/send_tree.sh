# Sends a folder as a tar archive, without its large files; or prints the names of these.
#
# needs: path, larger_than, only_names
echo ready
cd -- "$path" || exit 1
if [ "$only_names" = true ]; then
    find . -type f -size "+$larger_than" -exec printf '%s\0' {} +
else
    find . ! \( -type f -size "+$larger_than" \) \( -type f -o -type d -o -type l \) -print0 |
        tar --null --no-recursion -T - -cf -
fi
