# needs:
# uses: process.sh

# Prints how the process of the node is, and its last lines.
print_process() {
    printf 'process: %s\n' "$(process_status)"
    if process_has_systemd; then
        journalctl -u "$process_unit" -n 20 --no-pager -o cat
    else
        tail -n 20 "$process/log"
    fi 2>/dev/null
}
