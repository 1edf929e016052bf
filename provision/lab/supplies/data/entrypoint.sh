#!/bin/sh
# First process of a virtual host: make the container a place systemd can boot in.

# Docker mounts the cgroup trees read-only; systemd and the Docker engine inside need to
# write. A remount of the bind is enough, and needs no --privileged (which cannot be had
# where the machine itself has no CAP_SYS_RESOURCE).
while read -r _ path _; do
    case $path in
        /sys/fs/cgroup | /sys/fs/cgroup/*) mount -o remount,bind,rw "$path" || : ;;
    esac
done </proc/self/mounts

exec /sbin/init
