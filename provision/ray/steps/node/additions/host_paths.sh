# needs: host_paths, host_devices
# uses: mounts/answers.sh
# Prints what the container is to get of the host and the host does not have, and what does
# not answer. Only what is mounted can hang.

print_lacking() (
    set -f
    IFS='
'
    for device in $host_devices; do
        [ -e "$device" ] || printf 'lacks.%s=missing\n' "$device"
    done
    for path in $host_paths; do
        answers "$path" && continue
        if [ $? -eq 1 ]; then what=missing; else what=hangs; fi
        printf 'lacks.%s=%s\n' "$path" "$what"
    done
)
