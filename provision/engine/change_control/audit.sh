# Writes a line to the journal or the system log: the run and its origin, then the change.
#
# needs: tag, run, what

# sudo hides the address of its caller: the processes above this one still have it.
from=${SSH_CONNECTION:-}
id=$PPID
while [ -z "$from" ] && [ "${id:-1}" -gt 1 ]; do
    from=$({ tr '\0' '\n' <"/proc/$id/environ"; } 2>/dev/null |
        sed -n 's/^SSH_CONNECTION=//p')
    parent=
    while read -r key value; do # without a process: it is done before each change
        [ "$key" != PPid: ] || parent=$value
    done 2>/dev/null <"/proc/$id/status" || true
    id=$parent
done
line="$run from=${from%% *} login=${SUDO_USER:-$(id -un)} $what"
if command -v logger >/dev/null; then
    timeout 2 logger -t "$tag" -p authpriv.notice -- "$line"
elif command -v systemd-cat >/dev/null; then
    printf '%s\n' "$line" | timeout 2 systemd-cat -t "$tag" -p notice
fi
