# Prints the GPUs of the host, and with them what containers need to have them.
#
# needs:
# uses: gpu/find_gpus.sh

find_gpus
