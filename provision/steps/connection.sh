# connection HOST PORT prints what comes of a connection from this host: open, refused, no
# answer, or another reason.
#
# needs:

connection() {
    # shellcheck disable=SC2016 # it is bash that expands them
    why=$(LC_ALL=C timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2" 2>&1) &&
        { echo open; return; }
    case $why in
    '') echo 'no answer' ;;
    *refused*) echo refused ;;
    *) printf '%s\n' "${why##*: }" ;;
    esac
}
