# Writes the rules and the unit that loads them, and starts it. Fails before it changes
# anything if sshd listens on one of the ports: nobody could reach the host any more.
#
# needs: chain, load, iptables, ip6tables, service, "$@"
[ -d /run/systemd/system ] || {
    echo 'this host has no systemd, which would load the rules at boot' >&2
    exit 1
}
for port in $(ss -Hltnp | sed -n '/"sshd"/s/^\([^ ]* *\)\{3\}[^ ]*:\([0-9]*\) .*/\2/p'); do
    for range; do
        [ "$port" -lt "${range%:*}" ] || [ "$port" -gt "${range#*:}" ] || {
            echo "sshd listens on port $port, which would be closed" >&2
            exit 1
        }
    done
done
folder=/etc/provision/firewall/$chain
unit=provision-firewall-$chain.service
write() {
    printf '%s' "$2" >"$1.new"
    mv -f "$1.new" "$1"
}
install -d -m 755 /etc/provision /etc/provision/firewall "$folder"
write "$folder/load" "$load"
write "$folder/iptables" "$iptables"
write "$folder/ip6tables" "$ip6tables"
write "/etc/systemd/system/$unit" "$service"
systemctl daemon-reload
systemctl enable --quiet "$unit"
systemctl restart "$unit"
