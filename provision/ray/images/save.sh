# Writes an image into an archive that only root reads; nothing of it stays if that fails.
#
# needs: tag, path, needed_kb

free=$(df -P -k -- "${path%/*}" | awk 'NR == 2 { print $4 }')
[ "${free:-$needed_kb}" -ge "$needed_kb" ] || {
    echo "no room in ${path%/*} for the archive: $free KiB are free, $needed_kb are needed" >&2
    exit 1
}
umask 077
docker save --output "$path" "$tag" || {
    code=$?
    rm -f -- "$path"
    exit "$code"
}
