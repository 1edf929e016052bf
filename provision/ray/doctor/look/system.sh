# needs:
# Functions that print what a system is. Where something cannot be told nothing is printed.

# os_field NAME prints a value of os-release.
os_field() { sed -n "s/^$1=//p" /etc/os-release 2>/dev/null | tr -d "\"'" | sed -n 1p; }
# fact NAME VALUE prints it, unless there is none.
fact() { [ -z "$2" ] || printf '%s=%s\n' "$1" "$2"; }
kib() { sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo; }
print_system() {
    fact os "$(os_field ID)"
    fact os_like "$(os_field ID_LIKE)"
    fact os_name "$(os_field PRETTY_NAME)"
    fact kernel "$(uname -r)"
    fact arch "$(uname -m)"
    fact hostname "$(uname -n)"
    fact memory_kib "$(kib MemTotal)"
    fact cpus "$(grep -c '^processor' /proc/cpuinfo)"
    fact machine_id "$(cat /etc/machine-id 2>/dev/null)"
    fact host_key "$(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key 2>/dev/null | cut -d ' ' -f 2)"
    fact bash "$(command -v bash)"
    fact shm "$(sed -n 's/^[^ ]* \/dev\/shm \([^ ]*\) .*/\1/p' /proc/mounts | tail -n 1)"
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        echo cgroup=2
    elif [ -d /sys/fs/cgroup/memory ]; then
        echo cgroup=1
    else
        echo cgroup=none
    fi
    if [ -d /run/systemd/system ]; then echo init=systemd; else echo init=other; fi
    fact port_range_low "$(cut -f 1 /proc/sys/net/ipv4/ip_local_port_range)"
}
# print_disk PATH prints the file system that PATH is on, or is to be on.
print_disk() (
    at=$1
    while [ ! -d "$at" ]; do
        at=${at%/*}
        [ -n "$at" ] || at=/
    done
    disk=$(df -P -k -- "$at" 2>/dev/null | sed -n '2s/.* \([0-9][0-9]*\)  *[0-9-]*%  *\(.*\)/\1 \2/p')
    [ -n "$disk" ] || return 0
    mount=${disk#* }
    printf 'disk.%s=%s\n' "$1" "$disk"
    inodes=$(stat -f -c '%d %c' -- "$at" 2>/dev/null) && printf 'inodes.%s=%s\n' "$1" "$inodes"
    while read -r _ where _ options _; do
        [ "$where" != "$mount" ] || found=$options
    done </proc/mounts
    fact "mount.$1" "${found:-}"
)
