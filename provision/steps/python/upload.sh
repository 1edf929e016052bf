# Writes a piece of a file at its place; safe to run twice.
#
# needs: folder, name, file, offset, size, data

to=$folder/.wheels-$name/$file
mkdir -p -- "$folder/.wheels-$name"
there=$(stat -c %s -- "$to" 2>/dev/null) || there=0
if [ "$there" -ge "$((offset + size))" ]; then exit 0; fi
if [ "$there" -ne "$offset" ]; then
    # It was cut off within a piece.
    [ "$there" -gt "$offset" ] || { echo "$to has $there bytes, not $offset" >&2; exit 1; }
    head -c "$offset" -- "$to" >"$to.new"
    mv -f -- "$to.new" "$to"
fi
printf '%s' "$data" | base64 -d >>"$to"
