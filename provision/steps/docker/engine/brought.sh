# needs: "$@"
# uses: packages/absent/brought.sh, note_engine.sh
# What of the engine a deploy brought: "$@" are its packages, if others than the usual ones.

for name; do
    shift
    case $name in docker-ce-cli | docker-cli | containerd.io) ;; *) set -- "$@" "$name" ;; esac
done
noted_engines=$(among "$noted_packages" docker-ce docker.io moby-engine "$@")
# Those that are installed by name beside the engine.
noted_clients=$(among "$noted_packages" docker-ce-cli docker-cli containerd.io)
set -f
# shellcheck disable=SC2086 # each word is a package
engines=$(installed_of $noted_engines)
# shellcheck disable=SC2086 # each word is a package
clients=$(installed_of $noted_clients)
# One that was removed, and of which something is left, is ours as well.
is_ours=false
[ -z "$engines" ] || is_ours=true
if [ -n "$noted_engines" ] && ! command -v dockerd >/dev/null; then is_ours=true; fi
going=$(printf '%s\n' "$engines" "$clients" | sed '/^$/d')
needing=
if [ -n "$going" ]; then
    # shellcheck disable=SC2086 # each word is a package
    needing=$(needing $going)
    # shellcheck disable=SC2086 # each word is a package
    all=$(going_with $going)
    going=${all:-$going}
fi
# What is left of a removal that was killed.
if "$is_ours" && [ -z "$engines" ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2046 # each word is a package
    going=$(printf '%s\n' "$going" $(among "$noted_packages" $(leaving --purge autoremove)) |
        sed '/^$/d' | sort -u)
fi
set +f

conf=$(readlink -f /etc/docker/daemon.json) || conf=/etc/docker/daemon.json
# Prints what is to be done about daemon.json: `remove`, `restore`, or `stays` if somebody
# else has written it since.
conf_due() {
    before=$(noted "path:$conf")
    case $before in absent | copy:*) ;; *) return 0 ;; esac
    [ -e "$conf" ] || return 0
    if [ "was:$(sha256sum <"$conf" | cut -c -64)" != "$(noted engine:daemon.json)" ]; then
        echo stays
    elif [ "$before" = absent ]; then
        echo remove
    else
        echo restore
    fi
}
