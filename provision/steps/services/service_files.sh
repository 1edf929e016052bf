# needs: archive
# uses: service.sh
# Functions about what a service was started with: its files, and the version of its archive.

# Identifies one start of the service: a restart by anyone gives another.
started() { if has_systemd; then property InvocationID; else echo script; fi; }
# Large files, such as programs, are compared by their path, size and time.
are_small() {
    sizes=$(stat -L -c %s -- "$@" 2>/dev/null) || return 1
    for size in $sizes; do [ "$size" -le 1048576 ] || return 1; done
}
each_file() {
    if are_small "$@"; then
        sha256sum -- "$@" 2>&1
        return
    fi
    for each; do
        size=$(stat -L -c %s -- "$each" 2>/dev/null) || size=0
        if [ "$size" -gt 1048576 ]; then
            readlink -f -- "$each"
            stat -L -c '%s %Y' -- "$each"
        else
            sha256sum -- "$each" 2>&1
        fi
    done
}
digest() {
    {
        [ $# -eq 0 ] || each_file "$@"
        if [ -n "$archive" ]; then
            readlink -- "$archive/current"
            cat -- "$archive/current/.provision" 2>&1
        fi
    } | sha256sum | cut -c -64
}
version() { readlink -- "$archive/$1" 2>/dev/null || true; }
