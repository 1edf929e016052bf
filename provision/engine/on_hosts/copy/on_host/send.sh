# Sends a file from the offset on that the controller answers to the first line, and then
# its digest, which is made at the same time.
#
# needs: path
# uses: digest.sh
[ -e "$path" ] || { printf 'refused there is no %s on this host\n' "$path"; exit 95; }
if [ -d "$path" ]; then
    echo folder
    exit 0
fi
[ -f "$path" ] && [ -r "$path" ] || {
    printf 'refused %s is no file that %s can read\n' "$path" "$(id -un)"
    exit 95
}
size=$(wc -c <"$path" | tr -d ' ')
mode=$(stat -c %a -- "$path")
printf 'file %s %s %s\n' "$size" "$(stat -c %Y -- "$path")" "$mode"
read -r offset || exit 1
sum=$(mktemp)
trap 'rm -f "$sum"' EXIT
file_digest "$path" >"$sum" &
tail -c "+$((offset + 1))" <"$path"
wait
cat "$sum"
