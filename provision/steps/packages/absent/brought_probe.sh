# needs: "$@"
# uses: brought.sh

[ -n "$noted_packages" ] || exit 0
set -f
# shellcheck disable=SC2046 # each word is a package
set -- $(installed_of $(among "$noted_packages" "$@"))
[ $# -gt 0 ] || exit 0
# What somebody has installed since may need them: then they stay.
others=$(needing "$@" | tr '\n' ' ')
if [ -n "$others" ]; then
    printf 'stays=%s\n' "${others% }"
else
    going_with "$@" | sed 's/$/=installed/'
fi
