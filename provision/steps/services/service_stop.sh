# needs: name
# uses: service.sh

if has_systemd; then
    systemctl stop "$name"
    [ "$(boot)" != true ] || systemctl disable -q "$name"
    systemctl reset-failed "$name" 2>/dev/null || true
else
    "/etc/init.d/$name" stop
    update-rc.d "$name" disable
fi
rm -f "$record"
