# Prints which sources the current environment has, whether they are laid over the Ray that is
# wanted, the name of that Ray's environment, and all commits whose sources are laid over it.
#
# needs: folder

source_base=$(readlink -- "$folder/base" 2>/dev/null) || source_base=
[ -r "$folder/$source_base/.provision" ] || source_base=
source_now=$(readlink -- "$folder/current" 2>/dev/null) || source_now=
if [ -n "$source_now" ] && [ -r "$folder/$source_now/.provision" ]; then
    printf 'current=%s\n' "$source_now"
    source_of=
    if { read -r source_commit source_of <"$folder/$source_now/.source"; } 2>/dev/null; then
        printf 'commit=%s\n' "$source_commit"
    fi
    if [ -n "$source_of" ] && [ "$source_of" = "$source_base" ]; then
        echo ray=current
    else
        echo ray=another
    fi
fi
[ -z "$source_base" ] || printf 'base=%s\n' "$source_base"
for source_each in "$folder"/*/.source; do
    [ -r "${source_each%/.source}/.provision" ] || continue
    read -r source_commit source_of <"$source_each"
    [ "$source_of" != "$source_base" ] || printf 'made.%s=true\n' "$source_commit"
done
