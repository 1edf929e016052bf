# needs:
# uses: unit.sh

# Lets dockerd itself read the file $1, with the flags that it is started with; prints what is
# wrong with it. What dockerd before 23.0 would say of it, it says as a user who cannot
# start it: it reads its configuration before it asks who runs it, and changes nothing.
validate() (
    set -f
    file=$1
    [ ! -d /run/systemd/system ] || show_unit
    # shellcheck disable=SC2046 # each word is one of dockerd's
    set -- $(print_flags | sed 's/^[^=]*=//' | tr ' ' '\n' | grep -v '^\$')
    if dockerd --help 2>/dev/null | grep -q -e --validate; then
        dockerd "$@" --validate --config-file "$file" >&2
        return
    fi
    copy=$(mktemp)
    trap 'rm -f -- "$copy"' EXIT
    cat -- "$file" >"$copy"
    chown 65534 "$copy"
    said=$(/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups \
        dockerd "$@" --config-file "$copy" 2>&1) || true
    case $said in
    *'unable to configure the Docker daemon'*)
        printf '%s\n' "$said" | sed "s|$copy|$file|g" >&2
        return 1
        ;;
    *'started with root'*) ;;
    *) echo 'this dockerd cannot check the daemon.json before it starts with it' ;;
    esac
)
