# Drains the Ray node that is a process of the host: as drain.sh does it in a container.
#
# needs: process, data_dir, head, head_port
# uses: process.sh, ../../drain.sh

is_healthy() { [ "$(process_status)" = running ]; }
in_node() (
    limit_s=$1
    shift
    RAY_ADDRESS=$head:$head_port timeout "$limit_s" sh "$process/run" "$@"
)
# Other clusters may have processes on this host: those of this one name its folder.
node_id() {
    for node_each in /proc/[0-9]*; do
        tr '\0' '\n' <"$node_each/cmdline" 2>/dev/null |
            awk -v own="=$data_dir/ray/" '
                index($0, "--node_id=") == 1 { id = substr($0, 11) }
                index($0, own) { is_own = 1 }
                END { if (id != "" && is_own) print id }'
    done | sed -n 1p
}
