# Prints the last lines of the node's process.
#
# needs:
# uses: ../node/process/shell/process.sh

printf 'process: %s\n' "$(process_status)"
if process_has_systemd; then
    journalctl -u "$process_unit" -n 20 --no-pager -o cat
else
    tail -n 20 "$process/log"
fi 2>/dev/null
