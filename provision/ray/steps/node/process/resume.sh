# Starts the node's process as it is: one that has ended, or does not work.
#
# uses: shell/stop.sh, shell/begin.sh
# needs:

stop_process
begin_process
