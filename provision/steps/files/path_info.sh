# needs:
# probe_paths PATH... prints the type, the rights, the owner and the number of names (hard
# links) of each path that exists, and the digest of each file. A path that ends with a slash, or
# with `/.`, is the target of a link there.

stat_all() { stat -c 'stat %a %u %U %g %G %h %F:%n' -- "$@"; }
probe_paths() {
    for probed; do
        shift
        case $probed in
        */ | */.)
            link=${probed%.}
            link=${link%/}
            if [ -d "$probed" ]; then
                set -- "$@" "$probed"
            elif [ -e "$link" ] || [ -L "$link" ]; then
                stat_all "$link" || return 1
            fi
            ;;
        *) if [ -e "$probed" ] || [ -L "$probed" ]; then set -- "$@" "$probed"; fi ;;
        esac
    done
    [ $# -gt 0 ] || return 0
    stat_all "$@" || return 1
    for probed; do
        shift
        if [ -f "$probed" ] && [ ! -L "$probed" ]; then set -- "$@" "$probed"; fi
    done
    [ $# -gt 0 ] || return 0
    sha256sum -- "$@"
}
