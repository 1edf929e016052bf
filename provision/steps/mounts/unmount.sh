# needs: limit_s, "$@"
# uses: fstab.sh

is_mounted() {
    while read -r _ _ _ _ point _; do [ "$point" != "$1" ] || return 0; done </proc/self/mountinfo
    return 1
}
unmount_one() {
    said=$(mktemp)
    code=0
    timeout -s KILL "$limit_s" umount "$1" </dev/null >"$said" 2>&1 || code=$?
    cat -- "$said" >&2
    rm -f -- "$said"
    [ "$code" -ne 137 ] || printf 'unmounting %s has not ended in %s s\n' "$1" "$limit_s" >&2
    [ "$code" -eq 0 ] || exit 1
}
for path; do
    ! is_mounted "$path" || unmount_one "$path"
    write_fstab "$path"
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
done
