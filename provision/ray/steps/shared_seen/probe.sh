# needs: name, file, stop_mark, "$@"
# uses: ../stop_mark/mark.sh
# Prints, for each folder by its number, what the container reads in the file there. A folder
# that does not answer costs 10 s, and not the run.

command -v docker >/dev/null || exit 0
mark=$(print_stop_mark)
[ -z "$mark" ] || { printf '%s\n' "$mark"; exit 0; }
number=0
for folder; do
    code=0
    text=$(timeout -s KILL 10 docker exec "$name" head -n 1 "$folder/$file" 2>/dev/null) || code=$?
    if [ "$code" -eq 137 ]; then
        printf '%s=does not answer\n' "$number"
    elif [ -n "$text" ]; then
        printf '%s=%s\n' "$number" "$text"
    fi
    number=$((number + 1))
done
