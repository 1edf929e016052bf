# Loads an image from an archive, which is removed, whatever comes of it; prints the image's id.
#
# needs: tag, path
# uses: manifest/manifest.sh

trap 'rm -f -- "$path"' EXIT
[ ! -w "${manifest_dir%/*}" ] || note_image "$tag"
docker load --quiet --input "$path" >/dev/null || exit
docker image inspect --format '{{.Id}}' "$tag"
