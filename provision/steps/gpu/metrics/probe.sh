# Prints what is there of the program and its units; nothing on a host without nvidia-smi.
#
# needs: gpu_vendors, timer, folder, "$@"
# uses: gpu/find_gpus.sh, services/units/timer_files.sh
seek_nvidia_smi
[ -n "$gpu_smi" ] || exit 0
printf 'smi=%s\n' "$gpu_smi"
[ -d /run/systemd/system ] || { echo systemd=absent; exit 0; }
print_file_digests "$@"
state=$(systemctl is-active "$timer" 2>/dev/null) || true
printf 'timer=%s\n' "${state:-unknown}"
[ ! -s "$folder/gpus.prom" ] || echo numbers=written
