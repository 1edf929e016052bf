# needs: url, checksum, folder, version, strip
# uses: fetch.sh

current=$folder/current
target=$folder/$version
new=$folder/.new
old=$folder/.old
# refuse_lines PROBLEM PATTERN... fails if a line of its input is like one of the patterns.
refuse_lines() {
    problem=$1
    shift
    for pattern; do
        shift
        set -- "$@" -e "$pattern"
    done
    found=$(grep "$@") || return 0
    printf '%s\n' "$found" | head -n 5 >&2
    echo "the archive $problem" >&2
    return 1
}
find_ways_out() {
    top=$(readlink -f -- "$new/top")
    while IFS= read -r link; do
        to=$(readlink -- "$link")
        case $to in
        /*) ;;
        *..*)
            case $(readlink -f -- "$link") in "$top" | "$top"/*) continue ;; esac
            ;;
        *) continue ;;
        esac
        printf '%s -> %s\n' "${link#"$new/top/"}" "$to"
    done
}
# Of a file with more names than are here, another one is outside.
find_linked_outside() {
    sort | uniq -c | while read -r here names inode; do
        [ "$here" = "$names" ] || printf 'inode %s has %s names, %s here\n' "$inode" "$names" "$here"
    done
}
unpack() {
    trap 'rm -rf -- "$new" "$old"' EXIT
    rm -rf -- "$new" "$old"
    # Nobody else gets in before all of it is as it is to be.
    mkdir -m 700 -- "$new" "$new/all"
    # Not every tar sees by itself how an archive is compressed.
    case $(head -c 4 -- "$part" | tr -d '\000') in
    "$(printf '\037\213')"*) packed=-z ;;
    BZh*) packed=-j ;;
    "$(printf '\375')7zX") packed=-J ;;
    *) packed= ;;
    esac
    # Not as it says: who may write what is ours to decide, and nothing lies outside.
    tar -t $packed -f "$part" 2>&1 | refuse_lines 'has a path that leads out of its folder' \
        '^tar: [Rr]emoving leading' '^/' '^\.\.$' '^\.\./' '/\.\./' '/\.\.$'
    tar -x $packed -o -f "$part" -C "$new/all"
    find "$new/all" ! -type f ! -type d ! -type l |
        refuse_lines 'has what is no file, folder or link' .
    find "$new/all" -type f -links +1 -exec stat -c '%h %d:%i' -- {} + | find_linked_outside |
        refuse_lines 'has a hard link that leads out of its folder' .
    # Folders are joined as links: so `./` counts as nothing, as on any path.
    mkdir -- "$new/top"
    find "$new/all" -mindepth "$strip" -maxdepth "$strip" -type d \
        -exec cp -alf -- {}/. "$new/top/" \;
    if [ -z "$(ls -A -- "$new/top")" ]; then
        echo "nothing is left of it with strip: $strip" >&2
        return 1
    fi
    find "$new/top" -type l | find_ways_out | refuse_lines 'has a link that leads out of its folder' .
    find "$new/top" ! -type l -exec chmod u-s,g-s,a-t,go-w -- {} +
    # Written before the folder has its name: where there is a record, all is there.
    printf '%s\n%s\n' "$checksum" "$sum" >"$new/top/.provision"
    chmod 755 -- "$new/top"
    [ ! -e "$target" ] || mv -T -- "$target" "$old"
    mv -T -- "$new/top" "$target"
    rm -rf -- "$new" "$old" "$parts"
}
record() { sed -n "$1p" -- "$target/.provision" 2>/dev/null; }

mkdir -p -- "$folder"
# One that was installed before, as after a rollback, needs no network.
if [ "$(record 1)" != "$checksum" ]; then
    find_tool
    find_sum
    if [ "$(record 2)" = "$sum" ]; then
        printf '%s\n%s\n' "$checksum" "$sum" >"$target/.provision"
    else
        download
        unpack
    fi
fi
before=$(readlink -- "$current") || before=
healthy=$(readlink -- "$folder/healthy") || healthy=$before
[ "$before" != "$version" ] || exit 0
rm -f -- "$folder/.current"
ln -s -- "$version" "$folder/.current"
mv -f -T -- "$folder/.current" "$current"
for other in "$folder"/*; do
    [ ! -L "$other" ] && [ -f "$other/.provision" ] || continue
    case ${other##*/} in "$version" | "$before" | "$healthy") continue ;; esac
    rm -rf -- "$other"
done
