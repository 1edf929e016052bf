# needs: "$@"
# uses: path_info.sh, manifest/manifest.sh

probe_paths "$@" || exit
# A file system of its own has that when it is new.
has_content() {
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        case $entry in */lost+found) continue ;; esac
        ! exists "$entry" || return 0
    done
    return 1
}
for path; do
    case $path in */.) ;; *) continue ;; esac
    path=${path%/.}
    if has_content "$path" && ! is_brought "$path"; then printf 'foreign %s\n' "$path/."; fi
done
