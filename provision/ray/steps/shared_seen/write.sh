# needs: name, file, line, "$@"
# Writes the file as the user of the container, as tasks of Ray do.

for folder; do
    # shellcheck disable=SC2016 # its words are those of the shell in the container
    timeout -s KILL 30 docker exec "$name" sh -c 'printf "%s\n" "$2" >"$1"' sh \
        "$folder/$file" "$line"
done
