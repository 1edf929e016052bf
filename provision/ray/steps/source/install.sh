# Makes the environment of a commit, if it is not there, and switches the link `current` to it.
#
# needs: folder, link, commit
# uses: python/switch.sh

source_base=$(readlink -- "$folder/base") && [ -r "$folder/$source_base/.provision" ] || {
    echo "there is no environment with Ray's wheel at $folder/base" >&2
    exit 1
}
source_name=$source_base-$(printf '%.10s' "$commit")
source_target=$folder/$source_name
source_sent=$folder/.source-$commit
if [ ! -r "$source_target/.provision" ]; then
    rm -rf -- "$source_target"
    "$folder/$source_base/bin/python" -I "$source_sent/overlay.py" \
        "$folder/$source_base" "$source_target" "$source_sent/ray.tar.gz" "$commit" || {
        rm -rf -- "$source_sent" # so that the next run sends all of it again
        exit 1
    }
    printf '%s %s\n' "$commit" "$source_base" >"$source_target/.source"
    # Last: where there is a record, all is there.
    cp -- "$folder/$source_base/.provision" "$source_target/.provision.new"
    mv -f -- "$source_target/.provision.new" "$source_target/.provision"
fi
rm -rf -- "$source_sent"
switch_to "$source_name"
