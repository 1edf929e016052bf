# Receives a file on standard input into a part file beside its place, from the offset on
# that an earlier attempt reached. The controller answers the first line with `send` or
# `same`, and then sends the bytes. Blocks of 1 MiB at their own places: what an attempt
# that was cut off still writes is the same.
#
# needs: path, name, size, key
# uses: digest.sh
refused() {
    printf 'refused %s\n' "$1"
    exit 95
}
case $path in */) [ -d "$path" ] || refused "there is no folder $path" ;; esac
[ ! -d "$path" ] || path=${path%/}/$name
[ ! -d "$path" ] || refused "$path is a folder there"
[ ! -e "$path" ] || [ -f "$path" ] || refused "$path is no regular file there"
folder=$(dirname -- "$path")
[ -d "$folder" ] || refused "there is no folder $folder"
part=$folder/.$(basename -- "$path").provision-$key
have=-
size_of() { wc -c <"$1" | tr -d ' '; }
[ ! -f "$path" ] || [ "$(size_of "$path")" != "$size" ] || have=$(file_digest "$path")
blocks=0
[ ! -f "$part" ] || blocks=$(($(size_of "$part") / 1048576))
offset=$((blocks * 1048576))
free_kb=$(df -Pk -- "$folder" | awk 'NR == 2 { print $4 }')
[ "$have" != - ] || [ "$((free_kb + offset / 1024))" -ge "$((size / 1024))" ] ||
    refused "no room in $folder: $((size / 1048576)) MB are wanted, $((free_kb / 1024)) MB are free"
{ true >>"$part"; } 2>/dev/null || refused "$folder cannot be written by $(id -un)"
printf 'offset=%s have=%s\n' "$offset" "$have"
read -r answer || exit 1
if [ "$answer" = same ]; then
    rm -f -- "$part"
    exit 0
fi
dd of="$part" bs=1048576 iflag=fullblock seek="$blocks" conv=notrunc 2>/dev/null || {
    free_kb=$(df -Pk -- "$folder" | awk 'NR == 2 { print $4 }')
    if [ "$free_kb" -lt 1024 ]; then
        rm -f -- "$part"
        printf 'no room in %s: the disk is full\n' "$folder" >&2
    else
        printf '%s cannot be written\n' "$part" >&2
    fi
    exit 94
}
got=$(size_of "$part")
[ "$got" -eq "$size" ] || { printf 'short %s\n' "$got"; exit 93; }
# The controller says what it should be: a part that is wrong never takes its place.
digest=$(file_digest "$part")
printf '%s\n' "$digest"
