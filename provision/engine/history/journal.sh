# Prints the lines that runs have left in this host's journal, each after its time, and before
# them the time of the oldest entry that the journal still has.
#
# needs: tag, cluster, since_s

command -v journalctl >/dev/null || {
    echo 'there is no journalctl, so this host keeps no journal: the lines are in its system log' >&2
    exit 1
}
# Anyone may write a line with this tag; the journal knows the writer.
journal() {
    journalctl --quiet --no-pager --output short-unix "$@" _UID=0 _UID="$(id -u)"
}
oldest=$(journalctl --quiet --no-pager --output short-unix 2>/dev/null | head -n 1)
printf 'oldest %s\n' "${oldest%%[. ]*}"
if [ "$since_s" -gt 0 ]; then set -- --since "@$(($(date +%s) - since_s))"; fi
lines=$(journal "$@" --identifier "$tag") || exit
printf '%s\n' "$lines" | grep -F " cluster=$cluster run=" || true
