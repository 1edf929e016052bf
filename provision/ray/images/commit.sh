# Makes an image of a container, which stands still meanwhile; prints the image's id.
#
# needs: name, tag, author, message, "$@"
# uses: manifest/manifest.sh

[ ! -w "${manifest_dir%/*}" ] || note_image "$tag"
docker commit --author "$author" --message "$message" "$@" "$name" "$tag"
