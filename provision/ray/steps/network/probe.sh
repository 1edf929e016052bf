# Prints the networks of this host, and how packets to the other hosts "$@" leave it if that is not
# straight by the interface that has `address`.
#
#     route.ADDRESS=none                         the host knows no way
#     route.ADDRESS=INTERFACE                    by another interface
#     route.ADDRESS=INTERFACE via GATEWAY ANSWER by a gateway, and if port 22 there answers
#
# needs: address, "$@"
# uses: network/find_network.sh, network/connection.sh
found=$(find_network)
[ -z "$found" ] || printf '%s\n' "$found"
case $found in *network.unknown=*) exit 0 ;; esac
[ $# -gt 0 ] || exit 0
own=$(printf '%s\n' "$found" | while IFS= read -r line; do
    case $line in
    "network.at."*" $address/"*) line=${line#network.at.}; printf '%s' "${line%% *}"; break ;;
    esac
done)
ways=$(for to; do printf 'route get %s\n' "$to"; done | LC_ALL=C ip -o -force -batch - 2>/dev/null)
[ -n "$ways" ] || exit 0 # a program ip without -batch: nothing is known
known=$(printf '%s\n' "$ways" | while read -r at words; do
    case $at in
    unreachable | prohibit | blackhole) ;;
    local) printf '%s\n' "${words%% *}" ;;
    *) printf '%s %s\n' "$at" "$words" ;;
    esac
done)
for to; do
    case "
$known
" in *"
$to"[\ "
"]*) ;; *) printf 'route.%s=none\n' "$to" ;; esac
done
started=0
printf '%s\n' "$known" | {
    while read -r at words; do
        via='' dev=
        # shellcheck disable=SC2086 # words of ip
        set -- $words
        while [ $# -gt 1 ]; do
            case $1 in via) via=$2 ;; dev) dev=$2 ;; esac
            shift
        done
        if [ -n "$via" ]; then
            { printf 'route.%s=%s via %s %s\n' "$at" "$dev" "$via" "$(connection "$at" 22)"; } &
            # At most 50 at once, each of which takes some processes.
            started=$((started + 1))
            [ $((started % 50)) -ne 0 ] || wait
        elif [ -n "$dev" ] && [ "$dev" != "$own" ]; then
            printf 'route.%s=%s\n' "$at" "$dev"
        fi
    done
    wait
}
