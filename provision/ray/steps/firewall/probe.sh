# Prints the rules of the chain, its place in INPUT, a digest of its files, and its unit.
#
# needs: chain
# uses: is_first.sh
for tables in iptables ip6tables; do
    command -v "$tables" >/dev/null || continue
    if ! why=$("$tables" -w 10 -S INPUT 2>&1 >/dev/null); then
        [ "$tables" = ip6tables ] || printf 'unusable=%s\n' "$why" | head -n 1
        [ "$tables" = iptables ] || echo 'ip6tables=unusable'
        continue
    fi
    "$tables" -w 10 -S "$chain" 2>/dev/null | sed -n "s/^-A [^ ]* /$tables=/p"
    if is_first "$tables" "$chain"; then
        echo "$tables.input=first"
    elif "$tables" -w 10 -C INPUT -j "$chain" 2>/dev/null; then
        echo "$tables.input=not first"
    fi
done
unit=/etc/systemd/system/provision-firewall-$chain.service
folder=/etc/provision/firewall/$chain
if [ -d "$folder" ] || [ -e "$unit" ]; then
    sum=$(cat "$folder/load" "$folder/iptables" "$folder/ip6tables" "$unit" \
        2>/dev/null | sha256sum)
    printf 'files=%s\n' "${sum%% *}"
    ! systemctl is-enabled --quiet "${unit##*/}" 2>/dev/null || echo 'boot=enabled'
fi
