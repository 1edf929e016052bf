# Removes from the manifest what is as it was, and the manifest if nothing else is in it.
#
# needs:
# uses: still_there.sh

keep() { ! is_altered "$1" "$2" || printf '%s %s\n' "$1" "$2"; }
each_noted keep >"$manifest.new"
if [ ! -s "$manifest.new" ]; then
    rm -rf -- "$manifest_dir"
    exit
fi
replace_manifest
for copy in "$manifest_dir"/before/*; do
    grep -q "^copy:${copy##*/} " "$manifest" || rm -f -- "$copy"
done
