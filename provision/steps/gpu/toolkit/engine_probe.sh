# Prints what `docker_engine` does, and the GPUs of the host.
#
# needs:
# uses: docker/engine/probe.sh, gpu/find_gpus.sh

find_gpus
