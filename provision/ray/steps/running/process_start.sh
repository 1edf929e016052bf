# Starts the process of the node as it is, and removes the mark that it was stopped on purpose.
#
# needs: stop_mark
# uses: ../node/process/shell/stop.sh, ../node/process/shell/begin.sh
if [ ! -r "$process/spec" ]; then
    echo 'Ray is not deployed here: there is no process of a node' >&2
    exit 1
fi
if [ "$(process_status)" = stopped ]; then
    stop_process # what one that ended has left behind
    begin_process
fi
rm -f -- "$stop_mark"
