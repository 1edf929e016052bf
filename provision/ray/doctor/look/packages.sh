# needs:
# uses: packages/apt.sh, network.sh
# The function print_packages, which tells whether packages could be installed.

print_packages() {
    if command -v apt-get >/dev/null; then
        echo packages=apt
        print_apt
    elif command -v dnf >/dev/null; then
        echo packages=dnf
    else
        echo packages=none
    fi
}
print_apt() (
    holder=$(lock_holder 2>/dev/null) && printf 'packages_lock=%s\n' "$holder"
    ! is_interrupted 2>/dev/null || echo packages_interrupted=true
    half=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' 2>/dev/null |
        sed -n 's/^.[HUFW].//p' | tr '\n' ' ')
    [ -z "$half" ] || printf 'packages_half=%s\n' "${half% }"
    proxy=$(apt-config dump Acquire::http::Proxy | sed -n 's/^[^ ]* "\(.*\)";$/\1/p')
    case $proxy in
    '' | DIRECT) proxy= ;;
    *) printf 'apt_proxy=%s\n' "$proxy" ;;
    esac
    # It asks nobody: these are the addresses that an update would ask.
    sites=$(apt-get --print-uris update 2>/dev/null |
        sed -n "s/^'\([a-z]*:\/\/[^/']*\)\/.*/\1/p" | sort -u | tr '\n' ' ')
    printf 'apt_sites=%s\n' "${sites% }"
    set -f
    # shellcheck disable=SC2086 # addresses have no blanks
    set -- ${proxy:-$sites}
    for site; do
        print_connections "$(place_of_url "$site")" &
    done
    wait
)
