#!/bin/sh
# First process of a host with its own kernel: what systemd fails to mount there, and the network.

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /dev/pts /dev/shm /run/lock
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# shellcheck disable=SC2013 # the words of the kernel's command line
for word in $(cat /proc/cmdline); do
    case $word in
    lab.address=*) ip addr add "${word#*=}" dev vec0 ;;
    lab.host=*) echo "${word#*=}" >/etc/hostname ;;
    esac
done
ip link set lo up
ip link set vec0 up
exec /sbin/init
