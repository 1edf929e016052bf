# needs: folder, version
# uses: room.sh

current=$folder/current
now=
if [ -L "$current" ]; then
    if [ -d "$current/" ]; then
        now=$(readlink -- "$current")
        printf 'current=%s\n' "$now"
        [ ! -r "$current/.provision" ] || {
            read -r checksum <"$current/.provision" || true
            printf 'checksum=%s\n' "$checksum"
        }
    fi
elif [ -e "$current" ]; then
    printf 'current=a %s\n' "$(stat -c %F -- "$current")"
fi
[ "$now" != "$version" ] || exit 0
# Where the programs of another version are to be: room for them, and if they can be run there.
[ ! -e "$folder/$version/.provision" ] || echo unpacked=true
at=$(nearest "$folder")
print_room "$at"
mount=$(df -P -- "$at" 2>/dev/null | sed -n '2s/^.*[0-9-]% *\(\/.*\)$/\1/p')
sed -n "s|^[^ ]* $mount [^ ]* \([^ ]*,\)\{0,1\}\(noexec[^ ]*\) .*|noexec.$mount=\1\2|p" \
    /proc/mounts | tail -n 1
