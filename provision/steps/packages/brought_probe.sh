# needs: "$@"
# uses: brought.sh

[ -n "$noted_packages" ] || exit 0
set -f
# shellcheck disable=SC2046 # each word is a package
set -- $(installed_of $(among "$noted_packages" "$@"))
[ $# -gt 0 ] || exit 0
# What somebody has installed since may need them: then they stay.
needing=
if command -v apt-get >/dev/null; then
    needing=$(leaving purge "$@" | grep -vxF "$noted_packages" | tr '\n' ' ') || needing=
fi
if [ -n "$needing" ]; then
    printf 'stays=%s\n' "${needing% }"
else
    going_with "$@" | sed 's/$/=installed/'
fi
