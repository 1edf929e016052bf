# Receives files on standard input, one after the other, into a folder that is for them alone.
# The first line that it prints says how many an earlier attempt has brought here, and how much
# of the next; the controller then sends the rest. Blocks of 1 MiB are written at their own
# places: what an attempt that was cut off still writes is the same.
#
# needs: folder, "$@"

receive_size() { stat -c %s -- "$1"; }
# Appends $2 bytes to the file $1, and no others: of a pipe dd(1) reads no byte more than its
# blocks, as head(1) may.
receive_bytes() {
    [ "$2" = 0 ] || dd bs="$2" count=1 iflag=fullblock 2>/dev/null >>"$1"
}
# Receives the bytes from $3 to $2 of the file $1.
receive_file() {
    if [ "$(($2 - $3))" -ge 1048576 ]; then
        dd of="$1" bs=1048576 count="$((($2 - $3) / 1048576))" seek="$(($3 / 1048576))" \
            iflag=fullblock conv=notrunc 2>/dev/null
    else
        : >>"$1"
    fi
    receive_bytes "$1" "$((($2 - $3) % 1048576))"
    receive_now=$(receive_size "$1")
    [ "$receive_now" = "$2" ] || {
        df -Pk -- "$folder" | awk 'NR == 2 && $4 < 1024 { print "No space left on device" }' >&2
        printf '%s has %s bytes of %s\n' "$1" "$receive_now" "$2" >&2
        return 1
    }
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
printf 'done=%s at=%s\n' "$receive_done" "$receive_at"
while [ $# -gt 0 ]; do
    receive_file "$folder/$1" "$2" "$receive_at"
    receive_at=0
    shift 2
done
