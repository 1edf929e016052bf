# Prints the digests of the program and its units that are there, and the state of the timer.
#
# needs: timer, "$@"
# uses: services/units/timer_files.sh
[ -d /run/systemd/system ] || { echo init=other; exit 0; }
print_file_digests "$@"
state=$(systemctl is-active "$timer" 2>/dev/null) || true
# A unit that is not there is called inactive as well.
[ "$state" = inactive ] || printf 'timer=%s\n' "${state:-unknown}"
