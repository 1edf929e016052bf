# needs:
# uses: manifest.sh

# Of the packages "$@" prints those that are there, wholly or not.
installed_of() {
    [ $# -gt 0 ] || return 0
    if command -v dpkg-query >/dev/null; then
        dpkg-query -W -f '${db:Status-Status} ${Package}\n' -- "$@" 2>/dev/null |
            sed -n '/^not-installed \|^config-files /d; s/^[^ ]* //p'
    else
        for asked_of; do ! rpm -q -- "$asked_of" >/dev/null 2>&1 || echo "$asked_of"; done
    fi
}
# Is true if the thing $2, which was in the state $1, is in another one now.
is_altered() {
    case $1 in
    absent | config-files) is_there "${2%%:*}" "${2#*:}" ;;
    copy:*) exists "${2#path:}" && ! is_copy "${2#path:}" "$1" ;;
    there:*)
        case $2 in user:*) [ "there:$(account "${2#user:}")" != "$1" ] ;; *) false ;; esac ;;
    dir:*) exists "${2#path:}" && ! has_rights "${2#path:}" "$1" ;;
    empty:*) [ -n "$(ls -A "${2#path:}" 2>/dev/null)" ] || ! has_rights "${2#path:}" "$1" ;;
    was:true:true) false ;;
    was:*) command -v dockerd >/dev/null ;;
    *) false ;;
    esac
}
is_there() {
    case $1 in
    path) exists "$2" ;;
    user) getent passwd "$2" >/dev/null ;;
    member) is_member "$2" ;;
    group) getent group "$2" >/dev/null ;;
    package) [ -n "$(installed_of "$2")" ] ;;
    image) image_is_there "$2" ;;
    esac
}
# Without the daemon: the names lie in these files.
image_is_there() {
    command -v docker >/dev/null || return 1
    why=$(docker image inspect "$1" 2>&1 >/dev/null) && return
    case $why in *[Nn]"o such "[io]*) return 1 ;; esac
    part=${1#docker.io/}
    grep -qsF -e "${part#library/}" /var/lib/docker/image/*/repositories.json \
        /var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db
}
