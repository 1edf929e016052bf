# Removes the chain, its files and its unit; safe where they are half removed.
#
# needs: chain
unit=provision-firewall-$chain.service
if [ -e "/etc/systemd/system/$unit" ]; then
    systemctl disable --quiet --now "$unit" || true
    rm -f "/etc/systemd/system/$unit"
    systemctl daemon-reload
fi
for tables in iptables ip6tables; do
    "$tables" -w 10 -S INPUT >/dev/null 2>&1 || continue
    while "$tables" -w 10 -D INPUT -j "$chain" 2>/dev/null; do :; done
    "$tables" -w 10 -F "$chain" 2>/dev/null || continue
    "$tables" -w 10 -X "$chain"
done
rm -rf "/etc/provision/firewall/$chain"
rmdir /etc/provision/firewall /etc/provision 2>/dev/null || true
