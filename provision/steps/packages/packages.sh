# needs: update_within_s
# uses: apt.sh, manifest/still_there.sh
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
# apt names what it is about to unpack, so that what is killed then is noted as well.
# shellcheck disable=SC2016 # the shell that apt starts expands it
coming='
    sed "s|.*/||; s|_.*||" | while read -r name; do
        case $(dpkg-query -W -f "\${db:Status-Status}" "$name" 2>/dev/null) in
        installed) ;;
        config-files) echo "config-files package:$name" ;;
        *) echo "absent package:$name" ;;
        esac
    done'
apt_noting() {
    make_manifest_dir
    # Opened once the lock is there: another play may replace the file until then.
    locked='! command -v flock >/dev/null || flock 9'
    apt install --no-remove --no-install-recommends \
        -o "DPkg::Pre-Install-Pkgs::=($locked; { $coming; } >>$manifest) 9<$manifest_dir" "$@"
}
apt_install() {
    if lists_are_fresh; then
        apt_code=0
        apt_noting "$@" || apt_code=$?
        [ "$apt_code" != 0 ] || return 0
        lists_are_to_blame || return "$apt_code"
    fi
    update_lists
    apt_noting "$@"
}
# Runs "$@", and notes the packages that have come with it.
rpm_noting() {
    rpm_code=0
    had=$(rpm -qa --qf '%{NAME}\n')
    "$@" || rpm_code=$?
    for came in $(rpm -qa --qf '%{NAME}\n' | grep -vxF "$had"); do
        note "package:$came" absent
    done
    return "$rpm_code"
}
# A package that did not come in the end may come from somebody else later.
forget_missing() {
    case "$1 $2" in 'absent package:'* | 'config-files package:'*)
        [ -n "$(installed_of "${2#package:}")" ] || forget "$2" ;;
    esac
}
install_packages() {
    if command -v apt-get >/dev/null; then
        code=0
        apt_install "$@" || code=$?
        [ "$code" = 0 ] || each_noted forget_missing
        return "$code"
    elif command -v dnf >/dev/null; then
        rpm_noting dnf install -y -q "$@"
    elif command -v yum >/dev/null; then
        rpm_noting yum install -y -q "$@"
    else
        echo 'this host has neither apt-get nor dnf nor yum' >&2
        return 1
    fi
}
