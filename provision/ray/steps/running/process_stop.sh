# Drains the node and stops its process, also for the next boot, and notes when that was and
# who wanted it. The mark comes first, as in stop.sh.
#
# needs: stop_mark, by
# uses: ../node/process/shell/drain_process.sh, ../node/process/shell/stop.sh
if [ ! -r "$process/spec" ]; then
    echo 'Ray is not deployed here: there is no process of a node' >&2
    exit 1
fi
printf 'since %s by %s\nprocess %s %s\n' "$(date -u '+%Y-%m-%d %H:%M UTC')" "$by" \
    "$process_unit" "$process" >"$stop_mark.new"
mv -f -- "$stop_mark.new" "$stop_mark"
[ "$(process_status)" = stopped ] || drain
stop_process
! process_has_systemd || systemctl -q disable "$process_unit"
