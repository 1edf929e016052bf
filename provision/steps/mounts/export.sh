# needs: file, content, owner, group, "$@"
# Makes the folders that are missing, writes the file of exports and has the server read it.

command -v exportfs >/dev/null || {
    echo 'there is no exportfs on this host: it is no NFS server' >&2
    exit 1
}
for folder; do
    [ -e "$folder" ] || install -d -o "$owner" -g "$group" -m 02775 -- "$folder"
done
mkdir -p -- "${file%/*}"
printf '%s' "$content" >"$file.new"
chmod 644 "$file.new"
mv -f -- "$file.new" "$file"
exportfs -ra
