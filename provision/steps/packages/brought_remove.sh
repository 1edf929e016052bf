# needs: lock_timeout_s, "$@"
# uses: apt.sh, brought.sh

if ! command -v apt-get >/dev/null; then
    rpm -e -- "$@"
    exit
fi
also=$(leaving purge "$@" | grep -vxF "$noted_packages") || also=
if [ -n "$also" ]; then
    printf 'these need it and would go as well: %s\n' "$(echo "$also" | tr '\n' ' ')" >&2
    exit 1
fi
had_configuration=$(each_noted print_with_configuration)
set -f
# First those whose configuration stays: a purge purges all that it takes along.
removed=$(among "$had_configuration" "$@")
# shellcheck disable=SC2086 # each word is a package
[ -z "$removed" ] || apt remove $removed
purged=$(printf '%s\n' "$@" | grep -vxF -e "$had_configuration") || purged=
# shellcheck disable=SC2086 # the same
[ -z "$purged" ] || apt purge $purged
