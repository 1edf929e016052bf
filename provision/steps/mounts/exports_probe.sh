# needs: file, "$@"
# Prints the lines of the file of exports, and for each pair of a folder and a client, by its
# number, whether the server has it; it tells that in etab.

[ ! -f "$file" ] || while IFS= read -r line; do
    case $line in '#'* | '') ;; *) printf 'file=%s\n' "$line" ;; esac
done <"$file"
is_exported() (
    [ -r /var/lib/nfs/etab ] || exit 1
    while read -r folder client; do
        [ "$folder" != "$1" ] || [ "${client%%'('*}" != "$2" ] || exit 0
    done </var/lib/nfs/etab
    exit 1
)
number=0
while [ $# -gt 0 ]; do
    ! is_exported "$1" "$2" || printf '%s=exported\n' "$number"
    number=$((number + 1))
    shift 2
done
