# needs: name

# Ends where it is known that the image is there or missing. What is missing is an image or
# an object; without the daemon it is a file.
find_image() {
    command -v docker >/dev/null || exit 0
    { why=$(docker image inspect --format 'id={{.Id}}' "$name" 2>&1 >&3); } 3>&1 && {
        printf 'image=%s\n' "$name"
        exit 0
    }
    case $why in *[Nn]"o such "[io]*) exit 0 ;; esac
}
# Fails with Docker's error.
cannot_tell() {
    printf '%s\n' "$why" >&2
    exit 1
}
