# needs:
# uses: packages/apt.sh, brought.sh

# Removes the packages "$@", which a deploy brought; with their configuration, unless that was
# there before. Its output is that of the package manager.
purge_brought() (
    [ $# -gt 0 ] || exit 0
    if ! command -v apt-get >/dev/null; then
        rpm -e -- "$@"
        exit
    fi
    had_configuration=$(each_noted print_with_configuration)
    set -f
    # Those first: a purge purges all that it takes along.
    removed=$(among "$had_configuration" "$@")
    # shellcheck disable=SC2086 # each word is a package
    [ -z "$removed" ] || apt remove $removed
    purged=$(printf '%s\n' "$@" | grep -vxF -e "$had_configuration") || purged=
    # shellcheck disable=SC2086 # the same
    [ -z "$purged" ] || apt purge $purged
)
