# needs: name

# Ends where it is known that the image is there or missing. What is missing is an image or
# an object; without the daemon it is a file.
missing() { exit 0; }
find_image() {
    command -v docker >/dev/null || missing
    { why=$(docker image inspect --format 'id={{.Id}}' "$name" 2>&1 >&3); } 3>&1 && {
        printf 'image=%s\n' "$name"
        exit 0
    }
    case $why in *[Nn]"o such "[io]*) missing ;; esac
}
# Fails with Docker's error.
cannot_tell() {
    printf '%s\n' "$why" >&2
    exit 1
}
