# needs: path, owner, group, mode, content, "$@"
# Replaces a file in one piece, after the command "$@" has accepted the new one.

folder=${path%/*}/
if [ ! -d "$folder" ]; then
    printf 'there is no directory %s\n' "$folder" >&2
    exit 1
fi
# The name is fixed, so that what a killed run left is replaced by the next one; -C makes
# the file anew or fails.
new=$folder.${path##*/}.new
trap 'rm -f -- "$new"' EXIT
rm -f -- "$new"
umask 077
set -C
exec 9>"$new"
set +C
# Access lists and attributes are kept. Before there is content, since the old mode comes
# with them; chmod below then limits what an access list gives. Only GNU's cp can do it.
if [ -f "$path" ] && [ ! -L "$path" ]; then
    for kept in mode,xattr mode; do
        ! cp --attributes-only --preserve="$kept" -- "$path" /dev/fd/9 2>/dev/null || break
    done
    chmod 600 /dev/fd/9
    case $(stat -c %h -- "$path") in
    1) ;;
    *) printf 'other names (hard links) of %s keep the old content\n' "$path" ;;
    esac
fi
# A shell's own printf says "I/O error" of a full disk, cat says what it is.
printf '%s' "$content" | cat >&9
chown -- "$owner:$group" /dev/fd/9
chmod -- "00$mode" /dev/fd/9
exec 9>&-
if [ $# -gt 0 ]; then
    judged=0
    "$@" "$new" >&2 || judged=$?
    # Only an exit code of its own is a judgement; a shell has 126 and 127 for a program
    # that it cannot run, and 128 and the number of the signal for one that was killed.
    if [ "$judged" -eq 126 ] || [ "$judged" -eq 127 ]; then
        printf 'cannot run %s (exit code %s), so nothing says whether the content is good: %s' \
            "$1" "$judged" "$path" >&2
    elif [ "$judged" -gt 128 ] && [ "$judged" -le 192 ]; then
        printf '%s was killed by signal %s before it judged the content: %s' \
            "$1" "$((judged - 128))" "$path" >&2
    elif [ "$judged" -ne 0 ]; then
        printf '%s refuses it: %s' "${1##*/}" "$path" >&2
    fi
    [ "$judged" -eq 0 ] || { echo ' stays as it was' >&2; exit 1; }
fi
mv -f -T -- "$new" "$path"
