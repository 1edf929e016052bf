# Prints the reason for which dockerd ended, if it has given one lately, and its last lines.
#
# needs:

journal() {
    journalctl -u docker --since=-15min -n 400 --no-pager -o cat 2>/dev/null ||
        tail -n 400 /var/log/docker.log
}
lines=$(journal)
# The words of dockerd itself, and of systemd where that could not even start it.
reason='^failed to start daemon:\|^unable to configure the Docker daemon\|level=fatal msg='
reason="$reason"'\|^docker.service: .*Failed \(at step\|to locate\)'
why=$(printf '%s\n' "$lines" | grep "$reason" | tail -n 1)
[ -z "$why" ] || printf 'dockerd said: %s\n' "$why"
printf '%s\n' "$lines" | tail -n 15
