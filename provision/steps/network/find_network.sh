# needs: address
# The function find_network, which prints the networks of the host. PROVISION_NETWORK_ROOT is put
# before the paths in /sys and /dev; tests set it.
#
#     network.names=NAMES                          interfaces, in the order of /sys/class/net
#     network.at.NAME ADDRESS/LENGTH=MTU STATE     each address; loopback's too, not link-local ones
#     network.rdma=NAMES                           RDMA devices that programs can open
#     network.rdma_of.NAME=NAMES                   those of an interface
#     network.unknown=TEXT                         why its addresses are not known
#
# What engines of containers make is left out, unless it has $address: it comes and goes.

network_root=${PROVISION_NETWORK_ROOT:-}
find_network() (
    names=
    for at in "$network_root"/sys/class/net/*; do
        name=${at##*/}
        [ -e "$at" ] || continue
        ! is_for_containers "$name" || continue
        names="$names $name"
        devices=$(names_in "$at/device/infiniband")
        [ -z "$devices" ] || printf 'network.rdma_of.%s=%s\n' "$name" "$devices"
    done
    [ -z "$names" ] || printf 'network.names=%s\n' "${names# }"
    for at in "$network_root"/dev/infiniband/uverbs*; do
        [ -e "$at" ] || continue
        printf 'network.rdma=%s\n' "$(names_in "$network_root/sys/class/infiniband")"
        break
    done
    print_addresses
)
is_for_containers() {
    case $1 in
    docker0 | docker_gwbridge | veth* | br-????????????) return 0 ;;
    cni* | cali* | flannel* | cilium* | lxc*) return 0 ;;
    *) return 1 ;;
    esac
}
names_in() (
    all=
    for one in "$1"/*; do [ ! -e "$one" ] || all="$all ${one##*/}"; done
    printf '%s' "${all# }"
)
print_addresses() (
    if ! command -v ip >/dev/null; then
        echo 'network.unknown=it has no program ip; the package iproute2 has it'
        return 0
    fi
    if ! shown=$(LC_ALL=C ip -o addr show 2>&1); then
        printf 'network.unknown=ip addr show: %s\n' "$(printf '%s\n' "$shown" | tail -n 1)"
        return 0
    fi
    printf '%s\n' "$shown" | while read -r _ name family at _; do
        name=${name%%@*}
        case $family in inet) length=32 ;; inet6) length=128 ;; *) continue ;; esac
        case $at in fe80:*) continue ;; */*) ;; *) at=$at/$length ;; esac # no length: a peer's
        ! is_for_containers "$name" || [ "${at%/*}" = "$address" ] || continue
        mtu='?' state=unknown
        { read -r mtu <"$network_root/sys/class/net/$name/mtu"; } 2>/dev/null || mtu='?'
        { read -r state <"$network_root/sys/class/net/$name/operstate"; } 2>/dev/null || state=unknown
        printf 'network.at.%s %s=%s %s\n' "$name" "$at" "$mtu" "$state"
    done
)
