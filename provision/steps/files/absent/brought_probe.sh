# Prints what is to be done so that the paths "$@" are as they were.
#
# needs: "$@"
# uses: manifest/manifest.sh, mounts.sh

number=0
print_due() {
    number=$((number + 1))
    printf '%s.%s=%s\n' "$1" "$number" "$2"
    [ "$1" != remove ] || mounts_at "$2"
}
for path; do undo_path "$path" print_due; done
