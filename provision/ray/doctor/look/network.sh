# needs:
# uses: network/connection.sh
# Functions that print what a host is reached by, and what it reaches.

print_addresses() (
    command -v ip >/dev/null || return 0
    number=0
    ip -o addr show 2>/dev/null | while read -r _ device _ address _; do
        read -r mtu <"/sys/class/net/${device%%@*}/mtu" || mtu=
        printf 'ip.%s=%s %s %s\n' "$number" "$device" "${address%%/*}" "$mtu"
        number=$((number + 1))
    done
)
# print_names NAME... prints the addresses that each is for this host.
print_names() (
    command -v getent >/dev/null || return 0
    for name; do
        found=$(timeout 6 getent ahosts "$name" | cut -d ' ' -f 1 | sort -u | tr '\n' ' ')
        printf 'name.%s=%s\n' "$name" "${found% }"
    done
)
# print_connections HOST:PORT... tries all of them at once.
print_connections() (
    command -v bash >/dev/null || return 0
    for place; do
        (
            host=${place%:*}
            outcome=$(connection "${host#[}" "${place##*:}")
            printf 'reach.%s=%s\n' "$place" "$outcome"
        ) &
    done
    wait
)
# place_of_url URL prints its `host:port`.
place_of_url() (
    place=${1#*://}
    place=${place%%/*}
    place=${place##*@}
    # What follows the last colon is a port, but in an address of IPv6.
    case ${place##*:} in
    "$place" | *[!0-9]*) case $1 in
        https:*) place=$place:443 ;;
        *) place=$place:80 ;;
        esac ;;
    esac
    printf '%s\n' "$place"
)
# The proxies that programs of this host are told to use.
print_proxies() (
    for name in https_proxy HTTPS_PROXY http_proxy HTTP_PROXY; do
        value=$(printenv "$name") || value=$(sed -n "s/^$name=//p" /etc/environment 2>/dev/null |
            tr -d "\"'" | sed -n 1p)
        [ -n "$value" ] || continue
        printf 'proxy=%s\n' "$value"
        print_connections "$(place_of_url "$value")"
        return 0
    done
)
