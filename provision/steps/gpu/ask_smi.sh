# needs:
# The function ask_smi, which asks nvidia-smi and comes back whatever becomes of it.
# PROVISION_GPU_WAIT_S is the time that it has; tests set it.

gpu_wait_s=${PROVISION_GPU_WAIT_S:-20}
# Sets $gpu_limit_s to the seconds that nvidia-smi has now. Where it hangs it would cost each
# look of a script all of that, and the first ones would leave no time to the others: what the
# script has taken already counts, down to a quarter.
limit_smi() {
    gpu_limit_s=$gpu_wait_s
    { read -r gpu_line <"/proc/$$/stat" && read -r gpu_uptime _ </proc/uptime; } 2>/dev/null ||
        return 0
    # shellcheck disable=SC2086 # each word is a field
    set -- ${gpu_line##*) }
    gpu_limit_s=$((gpu_wait_s - ${gpu_uptime%%.*} + ${20} / 100)) # in ticks of 1/100 s
    [ "$gpu_limit_s" -ge $(((gpu_wait_s + 3) / 4)) ] || gpu_limit_s=$(((gpu_wait_s + 3) / 4))
    [ "$gpu_limit_s" -le "$gpu_wait_s" ] || gpu_limit_s=$gpu_wait_s
}
# Prints what nvidia-smi, `"$@"`, prints, and a last line code=N with its exit code; without that
# line it has not ended in time. One that waits in the kernel for a GPU that has fallen off the
# bus cannot even be killed: nothing here waits for it, nor for what it keeps open.
ask_smi() {
    limit_smi
    {
        {
            gpu_exit=0
            timeout -k 1 "$gpu_limit_s" "$@" 2>&1 || gpu_exit=$?
            printf '\ncode=%s\n' "$gpu_exit"
        } 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
    } | timeout "$((gpu_limit_s + 3))" cat
}
