# needs: "$@"
# uses: brought.sh

[ -n "$noted_packages" ] || exit 0
set -f
# shellcheck disable=SC2046 # each word is a package
set -- $(installed_of $(among "$noted_packages" "$@"))
going_with "$@" | sed 's/$/=installed/'
