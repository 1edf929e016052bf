# needs: name, digest, push, arguments, "$@"
# Builds an image of files that come as pairs of a path and the content; pushes it if `push`.

context=$(mktemp -d)
trap 'rm -rf -- "$context"' EXIT
while [ $# -gt 0 ]; do
    mkdir -p -- "$context/$(dirname -- "$1")"
    printf '%s' "$2" >"$context/$1"
    shift 2
done
set -f
IFS='
'
for argument in $arguments; do set -- "$@" --build-arg "$argument"; done
docker build --tag "$name" --label "provision.build=$digest" "$@" "$context" >&2
"$push" || exit 0
# One that is not pushed is built again by the next run, out of Docker's cache.
docker push "$name" >&2 || {
    docker image rm "$name" >/dev/null
    exit 1
}
