# needs: name
# uses: find_image.sh

find_image
cannot_tell
