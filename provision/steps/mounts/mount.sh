# needs: limit_s, "$@"
# uses: fstab.sh
# Writes the lines of fstab and mounts what is not: four words for each, which are source,
# path, type and options.

is_mounted() {
    while read -r _ _ _ _ point _; do [ "$point" != "$1" ] || return 0; done </proc/self/mountinfo
    return 1
}
mount_one() {
    said=$(mktemp)
    code=0
    # What hangs has no output of this script open, so it is not waited for.
    timeout -s KILL "$limit_s" mount "$1" </dev/null >"$said" 2>&1 || code=$?
    cat -- "$said" >&2
    rm -f -- "$said"
    [ "$code" -ne 137 ] || printf 'mounting %s has not ended in %s s\n' "$1" "$limit_s" >&2
    [ "$code" -eq 0 ] || exit 1
}
while [ $# -gt 0 ]; do
    mkdir -p -- "$2"
    write_fstab "$2" "$1 $2 $3 $4 0 0"
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
    is_mounted "$2" || mount_one "$2"
    shift 4
done
