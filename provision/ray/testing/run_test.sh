# Runs a file of tests with the environment of the node's process, as the user who runs Ray, in
# a Ray of its own that ends with it. Prints the commit first. Exit codes that pytest does not
# have: 96 no node, 97 no such file, 98 no pytest.
#
# needs: process, file, test_id, limit_s, "$@"

[ -r "$process/run" ] || exit 96
test_environment=$(readlink -f -- "$process/environment") || exit 96
read -r test_commit _ 2>/dev/null <"$test_environment/.source" || test_commit=
printf '%s\n' "$test_commit"
for test_packages in "$test_environment"/lib/python3*/site-packages; do
    [ ! -e "$test_packages/ray" ] || break
done
[ -f "$test_packages/$file" ] || exit 97
"$test_environment/bin/python" -c 'import pytest' 2>/dev/null || exit 98
test_folder=$(mktemp -d /tmp/ray-test.XXXXXX) || exit 1
trap 'rm -rf -- "$test_folder"' EXIT
read -r test_user <"$process/user"
set -- "$test_packages/$file$test_id" "$@"
# shellcheck disable=SC2016 # the shell that is started expands it
# Of the cluster it has the token alone: with the head's variables it would take its tables.
set -- sh "$process/run" sh -c 'for test_each in $(env | sed -n "s/^\(RAY_[A-Za-z0-9_]*\)=.*/\1/p")
    do case $test_each in RAY_AUTH_*) ;; *) unset "$test_each" ;; esac; done; exec "$@"' sh \
    env RAY_TMPDIR="$test_folder" HOME="$test_folder" PYTHONDONTWRITEBYTECODE=1 \
    timeout -k 10 "$limit_s" \
    python -m pytest -p no:cacheprovider --basetemp "$test_folder/pytest" "$@"
if [ "$test_user" != "$(id -un)" ]; then
    chown -- "$test_user" "$test_folder"
    set -- setpriv "--reuid=$test_user" "--regid=$(id -g -- "$test_user")" --init-groups "$@"
fi
# From the folder that ray is in: what tests import is found from there.
cd -- "$test_packages" || exit 1
"$@" 2>&1
