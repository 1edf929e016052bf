# needs: name, "$@"
# uses: files/path_info.sh
# The unit file is "$@".

probe_paths "$@" || exit 1
[ -f "$1" ] || exit 0
if [ -d /run/systemd/system ]; then
    systemctl show -p NeedDaemonReload "$name" || true
else
    echo NeedDaemonReload=no
fi
