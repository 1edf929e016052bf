# Prints the last lines of those who can have lost a GPU: the kernel, nvidia-smi, the container.
#
# needs: name, gpu_vendors
# uses: gpu/find_gpus.sh
seek_nvidia_smi
dmesg 2>/dev/null | grep -i -E 'nvrm|xid|nvidia|amdgpu' | tail -n 5
[ -z "$gpu_smi" ] || timeout 20 "$gpu_smi" -L 2>&1 | sed 's/^/host: /' | tail -n 5
timeout 20 docker exec "$name" nvidia-smi -L 2>&1 | sed 's/^/container: /' | tail -n 5
