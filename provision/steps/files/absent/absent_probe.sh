# needs: "$@"
# uses: mounts.sh

number=0
for path; do
    [ ! -e "$path" ] && [ ! -L "$path" ] || printf 'path.%s=%s\n' "$number" \
        "$(stat -c %F -- "$path")"
    mounts_at "$path"
    number=$((number + 1))
done
