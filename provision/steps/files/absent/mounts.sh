# needs:
# Prints where file systems are mounted at or below the path $1.

mounts_at() {
    # The kernel writes a space as \040 in its list of mounts.
    kernels=$(printf '%s\n' "$1" | sed 's/\\/\\134/g; s/ /\\040/g; s/\t/\\011/g')
    while read -r _ at _; do
        case $at in "$kernels" | "$kernels"/*) printf 'mount=%s\n' "$at" ;; esac
    done </proc/mounts
}
