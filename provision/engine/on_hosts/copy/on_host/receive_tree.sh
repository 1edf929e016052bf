# Unpacks a tar archive from standard input into a folder. Prints the folder first.
#
# needs: path, name
folder=$path
[ ! -d "$folder" ] || [ -z "$name" ] || folder=${folder%/}/$name
[ -d "$folder" ] || mkdir -p -- "$folder" || {
    printf 'refused cannot make the folder %s\n' "$folder"
    exit 95
}
printf '%s\n' "$folder"
tar -xf - -C "$folder" --no-same-owner
