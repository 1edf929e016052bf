# Prints the digests of the program and its units that are there, and the state of the timer.
#
# needs: timer, "$@"
[ -d /run/systemd/system ] || { echo init=other; exit 0; }
for file; do
    sum=$(sha256sum 2>/dev/null <"$file") || continue
    printf 'file.%s=%s\n' "$file" "${sum%% *}"
done
state=$(systemctl is-active "$timer" 2>/dev/null) || true
# A unit that is not there is called inactive as well.
[ "$state" = inactive ] || printf 'timer=%s\n' "${state:-unknown}"
