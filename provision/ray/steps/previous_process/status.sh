# Prints the last lines of the node's process.
#
# needs:
# uses: ../node/process/shell/print_process.sh

print_process
