# Prints the last lines of those who can have lost a GPU: the kernel, nvidia-smi, the container.
#
# needs: name, gpu_vendors
# uses: gpu/find_gpus.sh
seek_nvidia_smi
dmesg 2>/dev/null | grep -i -E 'nvrm|xid|nvidia|amdgpu' | tail -n 5
[ -z "$gpu_smi" ] || ask_smi "$gpu_smi" -L | sed '/^code=0$/d; /^$/d; s/^/host: /' | tail -n 5
# shellcheck disable=SC2016 # the shell in the container expands them
timeout -k 1 20 docker exec "$name" sh -c '
    ! command -v timeout >/dev/null || set -- timeout -k 1 15
    "$@" nvidia-smi -L' 2>&1 | sed 's/^/container: /' | tail -n 5
