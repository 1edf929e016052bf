# Starts the container of the node, and removes the mark that it was stopped on purpose.
#
# needs: name, stop_mark
if ! command -v docker >/dev/null; then
    echo 'Ray is not deployed here: there is no Docker' >&2
    exit 1
fi
docker start "$name"
rm -f -- "$stop_mark"
