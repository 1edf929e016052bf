# The packages of a Docker engine, as this host's index of packages has them.
#
# needs: update_within_s
# uses: packages/packages.sh

# Prints the packages that the function $1 chooses; from a newer index of apt, if it finds
# none. dnf and yum see to theirs by themselves.
choose() {
    command -v apt-get >/dev/null || { "$1"; return; }
    lists_are_fresh || update_lists >&2
    "$1" 2>/dev/null || { update_lists >&2; "$1"; }
}
offers() {
    if command -v apt-get >/dev/null; then
        apt-cache show --no-all-versions -- "$1" 2>/dev/null | grep -q '^Filename:'
    elif command -v dnf >/dev/null; then
        is_listed dnf -q list --available -- "$1"
    else
        is_listed yum -q list available -- "$1"
    fi
}
# An index that cannot be read is not one without the package.
is_listed() {
    listed=$("$@" 2>&1) && return
    case $listed in *'No matching '[Pp]ackages*) return 1 ;; esac
    printf '%s\n' "$listed" >&2
    exit 1
}
# Docker's own packages where somebody has set up its repository, else the distribution's.
engine_packages() {
    if offers docker-ce; then
        echo docker-ce docker-ce-cli containerd.io
    elif offers docker.io; then
        echo docker.io "$(client_of docker.io)"
    elif offers moby-engine; then
        echo moby-engine "$(client_of moby-engine)"
    else
        echo 'no package of this host has a Docker engine: neither docker.io nor docker-ce' >&2
        return 1
    fi
}
# The package with the client for the engine of package $1; nothing if that has it itself.
client_of() {
    case $1 in docker-ce) client=docker-ce-cli ;; *) client=docker-cli ;; esac
    ! offers "$client" || echo "$client"
}
client_packages() {
    for engine in docker-ce moby-engine docker.io; do
        [ -z "$(installed_of "$engine")" ] || break
    done
    client=$(client_of "$engine")
    [ -n "$client" ] || {
        echo 'there is a Docker engine without the program docker, and no package has that' >&2
        return 1
    }
    echo "$client"
}
# Installs "$@", which have the program docker among them.
install_with_client() {
    install_packages "$@"
    command -v docker >/dev/null || {
        echo "no program docker came with $*: name the package that has it as well" >&2
        exit 1
    }
}
