# Puts a part file that was received in its place; or removes it, if it is wrong.
#
# needs: path, name, key, mode, is_right
path=${path%/}
[ ! -d "$path" ] || path=$path/$name
part=$(dirname -- "$path")/.$(basename -- "$path").provision-$key
if [ "$is_right" = true ]; then
    chmod "$mode" "$part" && mv -f -- "$part" "$path"
else
    rm -f -- "$part"
fi
