# Loads the rules at boot; a copy is kept on the host, beside the files `iptables` and
# `ip6tables`.
#
# needs:
# uses: is_first.sh
set -eu
cd "${0%/*}"
chain=$(sed -n 's/^:\([^ ]*\) .*/\1/p' iptables)
for tables in iptables ip6tables; do
    if [ "$tables" = ip6tables ] && ! ip6tables -w 10 -S INPUT >/dev/null 2>&1; then
        continue # a kernel without IPv6
    fi
    "$tables-restore" --wait 10 --noflush <"$tables"
    ! is_first "$tables" "$chain" || continue
    "$tables" -w 10 -I INPUT 1 -j "$chain"
    # Remove the jumps to the chain that came too late, the last one first.
    "$tables" -w 10 -S INPUT | sed -n 's/^-A INPUT //p' | grep -nxF -e "-j $chain" |
        sed '1d; s/:.*//' | sort -rn |
        while read -r number; do "$tables" -w 10 -D INPUT "$number"; done
done
