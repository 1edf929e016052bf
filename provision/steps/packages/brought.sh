# needs:
# uses: manifest/still_there.sh
# Packages that a deploy brought: $noted_packages has their names, a line for each.

print_package() {
    case "$1 $2" in 'absent package:'*) echo "${2#package:}" ;; esac
}
noted_packages=$(each_noted print_package | sort -u)
# Those of the words "$@" that are a line of $1.
among() {
    lines=$1
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" | grep -xF -e "$lines" || true
}
# What apt-get would remove with the options and names "$@".
leaving() {
    # That something recommends a package is no need: nobody asked for it.
    apt-get -s -q -o APT::AutoRemove::RecommendsImportant=false \
        -o APT::AutoRemove::SuggestsImportant=false "$@" 2>/dev/null | sed -n 's/^\(Purg\|Remv\) \([^ :]*\).*/\2/p' | sort -u
}
# Of the installed packages "$@", and those that came with them and that nothing needs then,
# the names that a deploy brought.
going_with() {
    [ $# -gt 0 ] || return 0
    if command -v apt-get >/dev/null; then
        set -f
        # shellcheck disable=SC2046 # each word is a package
        among "$noted_packages" $(leaving --auto-remove purge "$@")
        set +f
    else
        printf '%s\n' "$@"
    fi
}
