# needs: update_within_s
# uses: apt.sh
# The function install_packages. Lists of packages that are fetched are touched: an update
# that finds nothing new leaves them as they are, and the host gets no mark of ours.

lists=/var/lib/apt/lists
lists_are_fresh() {
    ls "$lists"/*_* >/dev/null 2>&1 || return 1
    [ -n "$(find "$lists" -maxdepth 0 -mmin "-$((update_within_s / 60))")" ]
}
update_lists() {
    waited=0
    # Unlike an install, an update does not wait for its lock by itself.
    until apt-get update -q; do
        lock_holder >&2 && [ "$waited" -lt "$lock_timeout_s" ] || return 0
        sleep 3
        waited=$((waited + 3))
    done
    touch "$lists"
}
# True if newer lists may have what was missing.
lists_are_to_blame() {
    case $errors in
    *'Unable to locate package'* | *'no installation candidate'*) ;;
    *'Failed to fetch'* | *'Unable to fetch'*) ;;
    *) return 1 ;;
    esac
}
apt_install() {
    if lists_are_fresh; then
        apt install --no-remove --no-install-recommends "$@" && return
        code=$?
        lists_are_to_blame || return "$code"
    fi
    update_lists
    apt install --no-remove --no-install-recommends "$@"
}
install_packages() {
    if command -v apt-get >/dev/null; then
        apt_install "$@"
    elif command -v dnf >/dev/null; then
        dnf install -y -q "$@"
    elif command -v yum >/dev/null; then
        yum install -y -q "$@"
    else
        echo 'this host has neither apt-get nor dnf nor yum' >&2
        return 1
    fi
}
