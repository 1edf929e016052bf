# needs: name
# Prints what the image of this name was built from; nothing if there is none.

command -v docker >/dev/null || exit 0
found=$(docker image inspect --format \
    'build={{with .Config.Labels}}{{with index . "provision.build"}}{{.}}{{end}}{{end}}' \
    "$name" 2>&1) && { printf '%s\n' "$found"; exit 0; }
case $found in *[Nn]"o such "[io]*) exit 0 ;; esac
printf '%s\n' "$found" >&2
exit 1
