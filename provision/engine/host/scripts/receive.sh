# Receives files on standard input, one after the other, into a folder that is for them alone.
# The first line that it prints says how many an earlier attempt has brought here, and how much
# of the next; the controller then sends the rest. All is written at its own place: what an
# attempt that was cut off still writes is the same.
#
# needs: folder, "$@"

receive_size() { stat -c %s -- "$1"; }
# Receives the bytes from $3 to $2 of the file $1: whole blocks, and what is left of one. Of a
# pipe dd(1) reads no byte more than its blocks, as head(1) may. What has failed shows in the size.
receive_file() {
    : >>"$1"
    receive_blocks=$((($2 - $3) / 1048576))
    [ "$receive_blocks" = 0 ] || dd of="$1" bs=1048576 count="$receive_blocks" \
        seek="$(($3 / 1048576))" iflag=fullblock conv=notrunc 2>/dev/null || true
    receive_left=$(($2 % 1048576))
    [ "$receive_left" = 0 ] || dd bs="$receive_left" count=1 iflag=fullblock 2>/dev/null |
        dd of="$1" bs=1048576 seek="$(($2 / 1048576))" conv=notrunc 2>/dev/null || true
    receive_now=$(receive_size "$1")
    [ "$receive_now" = "$2" ] || {
        df -Pk -- "$folder" | awk 'NR == 2 && $4 < 1024 { print "No space left on device" }' >&2
        printf '%s has %s bytes of %s\n' "$1" "$receive_now" "$2" >&2
        return 1
    }
}
# Removes the files after the first of "$@", which come anew.
receive_forget_later() {
    while [ $# -gt 2 ]; do
        shift 2
        rm -f -- "$folder/$1"
    done
}
mkdir -p -- "$folder"
receive_done=0
receive_at=0
while [ $# -gt 0 ]; do
    [ -f "$folder/$1" ] || break
    receive_there=$(receive_size "$folder/$1")
    if [ "$receive_there" != "$2" ]; then
        receive_at=$((receive_there / 1048576 * 1048576))
        [ "$receive_at" -lt "$2" ] || receive_at=0
        truncate -s "$receive_at" -- "$folder/$1"
        break
    fi
    receive_done=$((receive_done + 1))
    shift 2
done
receive_forget_later "$@"
printf 'done=%s at=%s\n' "$receive_done" "$receive_at"
while [ $# -gt 0 ]; do
    receive_file "$folder/$1" "$2" "$receive_at"
    receive_at=0
    shift 2
done
