# Makes an image of a container, which stands still meanwhile; prints the image's id.
#
# needs: name, tag, author, message, mark, "$@"
# uses: manifest/manifest.sh

# A new container that has the mark of one that was healthy would count as such at once.
has_mark() {
    made=$(docker create "$tag" true) || return
    found=1
    ! docker cp "$made:$mark" - >/dev/null 2>&1 || found=0
    docker rm "$made" >/dev/null
    return "$found"
}
[ ! -w "${manifest_dir%/*}" ] || note_image "$tag"
for try in 1 2 3; do
    docker exec "$name" rm -f -- "$mark" || exit
    id=$(docker commit --author "$author" --message "$message" "$@" "$name" "$tag") || exit
    # The health check may have made it again before the container stood still.
    if ! has_mark; then
        printf '%s\n' "$id"
        exit 0
    fi
    docker image rm "$tag" >/dev/null
done
echo "the container's health check left $mark in each of three images" >&2
exit 1
