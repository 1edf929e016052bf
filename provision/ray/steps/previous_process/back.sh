# Puts the previous process in the place of the present one, if `back` is yes, and starts it.
# Interrupted anywhere, the next probe shows how far it came.
#
# needs: back, run, wipe, tables
# uses: ../node/process/shell/drain_process.sh, ../node/process/shell/stop.sh, ../node/process/shell/begin.sh

if [ "$back" = yes ]; then
    [ -x "$process.previous/environment/bin/ray" ] || {
        echo "the former environment $(readlink -- "$process.previous/environment") is gone" >&2
        exit 1
    }
    if [ -r "$process/spec" ]; then
        made=$(cat -- "$process/made_by")
        [ "$made" = "${run:-$made}" ] || {
            echo "the process was replaced after it was probed: run this again" >&2
            exit 1
        }
        # Record the run: after this no process says that it was the last.
        printf '%s\n' "$made" >"$data_dir/.undone.new"
        mv -f -- "$data_dir/.undone.new" "$data_dir/undone"
        drain
        stop_process
        [ -z "$wipe" ] || [ ! -d "$tables" ] || find "$tables" -mindepth 1 -delete
        rm -f -- "$process/spec"
    fi
    rm -rf -- "$process"
    : >"$process.previous/not_started"
    mv -- "$process.previous" "$process"
fi
stop_process
begin_process
