# needs: folder, only_brought, "$@"
# uses: manifest/manifest.sh

for name; do
    if [ "$only_brought" = true ]; then
        undo_path "$folder/$name" undo
    else
        rm -f -- "$folder/$name"
    fi
done
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl reset-failed "$@" 2>/dev/null || true
fi
