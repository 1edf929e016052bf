# needs: url, checksum, folder, version, strip
# uses: fetch.sh

current=$folder/current
target=$folder/$version
new=$folder/.new
old=$folder/.old
unpack() {
    trap 'rm -rf -- "$new" "$old"' EXIT
    rm -rf -- "$new" "$old"
    mkdir -- "$new"
    # Not every tar sees by itself how an archive is compressed.
    case $(head -c 4 -- "$part" | tr -d '\000') in
    "$(printf '\037\213')"*) packed=-z ;;
    BZh*) packed=-j ;;
    "$(printf '\375')7zX") packed=-J ;;
    *) packed= ;;
    esac
    tar -x $packed -o -f "$part" -C "$new" --strip-components="$strip"
    if ! ls -A -- "$new" | grep -q .; then
        echo "nothing is left of it with strip: $strip" >&2
        return 1
    fi
    # Written before the folder has its name: where there is a record, all is there.
    printf '%s\n%s\n' "$checksum" "$sum" >"$new/.provision"
    [ ! -e "$target" ] || mv -T -- "$target" "$old"
    mv -T -- "$new" "$target"
    rm -rf -- "$old" "$parts"
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
