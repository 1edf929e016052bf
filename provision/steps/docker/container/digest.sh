# needs: files
# Digests of the files, in their order; dashes for one that is not there.

digest() (
    set -f
    IFS='
'
    for file in $files; do
        sum=$(sha256sum 2>/dev/null <"$file") || sum=----------------
        printf '%s ' "${sum%"${sum#????????????????}"}"
    done
)
