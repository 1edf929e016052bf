"""Faults that are planted on the lab's hosts for doctor to find, in rounds.

In each round a few faults, on different hosts or far from each other, are there at once:
doctor has to find these and nothing else.
"""

from __future__ import annotations

from dataclasses import replace

from start.fault import (
    BIN,
    LISTENER,
    LOCK,
    Fault,
    background,
    driver,
    mounted,
    moved,
    named,
    replaced,
    stub,
)

MACHINE_ID = Fault(
    "a cloned disk: the machine-id",
    "machine-id",
    "node2",
    **replaced("/etc/machine-id", "echo 0123 >/etc/machine-id"),
)


def rounds() -> list[list[Fault]]:
    """Return the faults that are there at the same time."""
    return [
        [
            Fault(
                "another program has a port of Ray",
                "port-taken",
                "node1",
                **background(LISTENER),
                said="6380 is taken by perl",
            ),
            Fault(
                "an interface with a small MTU",
                "mtu",
                "node2",
                "ip link set eth0 mtu 1400",
                "ip link set eth0 mtu 1500",
                said="1400",
            ),
            Fault(
                "somebody installs packages",
                "package-lock",
                "node3",
                **background(LOCK),
                said="is held by process",
            ),
        ],
        [
            Fault(
                "a clock that is ahead (stand-in)",
                "clock",
                "node1",
                **stub("date", 'exec /usr/bin/date -d "+90 seconds" "$@"'),
                said="ahead",
            ),
            Fault(
                "a clock that is behind (stand-in)",
                "clock",
                "node3",
                **stub("date", 'exec /usr/bin/date -d "-90 seconds" "$@"'),
                said="behind",
            ),
            replace(MACHINE_ID, what="", id="", host="node1"),
            MACHINE_ID,
        ],
        [
            Fault(
                "no source of packages",
                "package-sources",
                "node1",
                **moved("/etc/apt/sources.list"),
            ),
            Fault(
                "a source of packages that does not answer",
                "package-index",
                "node2",
                **replaced(
                    "/etc/apt/sources.list", "sed -i s/8080/9/ /etc/apt/sources.list"
                ),
                said="172.30.77.3:9: refused",
            ),
            Fault(
                "a package that is half installed",
                "package-half-installed",
                "node3",
                **replaced(
                    "/var/lib/dpkg/status",
                    "sed -i '/^Package: adduser$/,/^Status/s/^Status: .*/Status: install ok half-configured/' /var/lib/dpkg/status",
                ),
                said="adduser",
            ),
        ],
        [
            Fault(
                "dpkg was interrupted",
                "package-interrupted",
                "node1",
                "touch /var/lib/dpkg/updates/0001",
                "rm -f /var/lib/dpkg/updates/0001",
            ),
            Fault(
                "no package manager",
                "package-manager",
                "node2",
                **moved("/usr/bin/apt-get"),
            ),
            Fault(
                "an unknown system",
                "os",
                "node3",
                **replaced("/etc/os-release", "echo ID=haiku >/etc/os-release"),
                said="haiku",
            ),
        ],
        [
            Fault(
                "no room for the image",
                "disk-room",
                "node1",
                **mounted("/var/lib/docker", "size=100m"),
                said="/var/lib/docker has",
            ),
            Fault(
                "no inodes for the image",
                "disk-inodes",
                "node2",
                **mounted("/var/lib/docker", "nr_inodes=100"),
                said="inodes free",
            ),
            Fault(
                "a folder of programs that is read-only",
                "read-only",
                "node3",
                **mounted("/opt/provision", "ro"),
            ),
        ],
        [
            Fault(
                "a folder of programs that is noexec",
                "noexec",
                "node1",
                **mounted("/opt/provision", "noexec"),
            ),
            Fault(
                "little room for spilled objects",
                "disk-room",
                "node2",
                **mounted("/var/lib/provision-lab", "size=100m"),
                said="/var/lib/provision-lab has",
            ),
            Fault(
                "a range of outgoing ports that has Ray's",
                "port-range",
                "node3",
                "sysctl -q -w net.ipv4.ip_local_port_range='10000 60999'",
                "sysctl -q -w net.ipv4.ip_local_port_range='32768 60999'",
                said="10000",
            ),
        ],
        [
            Fault(
                "little memory",
                "memory",
                "node1",
                "printf 'MemTotal: 1000000 kB\\nMemAvailable: 900000 kB\\n' >/root/meminfo; mount --bind /root/meminfo /proc/meminfo",
                "umount /proc/meminfo; rm -f /root/meminfo",
            ),
            Fault(
                "/dev/shm on a disk",
                "shm",
                "node2",
                "mount --bind /srv /dev/shm",
                "umount /dev/shm",
            ),
            Fault(
                "nobody can tell who listens",
                "ports-unknown",
                "node3",
                **moved("/usr/bin/ss"),
            ),
        ],
        [
            Fault(
                "an old kernel (stand-in)",
                "kernel",
                "node1",
                **stub(
                    "uname",
                    'case $1 in -r) echo 3.10.0 ;; *) exec /usr/bin/uname "$@" ;; esac',
                ),
                said="3.10.0",
            ),
            Fault(
                "a processor with no image of Ray (stand-in)",
                "arch",
                "node2",
                **stub(
                    "uname",
                    'case $1 in -m) echo riscv64 ;; *) exec /usr/bin/uname "$@" ;; esac',
                ),
                also=("node2 arch-mixed",),
            ),
            Fault(
                "the hostname of another host",
                "hostname-shared",
                "node3",
                "hostname node1",
                "hostname node3",
            ),
        ],
        [
            Fault(
                "Docker does not answer (stand-in)",
                "docker-stopped",
                "node1",
                **stub("docker", "exit 1"),
                also=("node1 step-docker_engine",),
            ),
            Fault(
                "an old Docker (stand-in)",
                "docker-old",
                "node2",
                **stub(
                    "docker", "case $* in *Server*) echo 19.03.5 ;; *) exit 1 ;; esac"
                ),
                also=("node2 step-docker_engine",),
                said="19.03.5",
            ),
            Fault(
                "podman in the place of Docker (stand-in)",
                "docker-foreign",
                "node3",
                f"printf '#!/bin/sh\\nexit 1\\n' >/usr/bin/podman; chmod 755 /usr/bin/podman; ln -s /usr/bin/podman {BIN}/docker",
                f"rm -f /usr/bin/podman {BIN}/docker",
            ),
        ],
        [
            Fault(
                "a driver that does not answer (stand-in)",
                "gpu-error",
                "node1",
                **driver("echo NVIDIA-SMI has failed; exit 9"),
                said="has failed",
            ),
            Fault(
                "nothing that could listen for the other hosts",
                "pairs-untested",
                "node2",
                **moved("/usr/bin/perl"),
            ),
            Fault(
                "a proxy that does not answer",
                "proxy",
                "node3",
                **replaced(
                    "/etc/environment",
                    "echo https_proxy=http://172.30.77.2:9 >/etc/environment",
                ),
                said="172.30.77.2:9",
            ),
        ],
        [
            Fault(
                "two hosts that do not reach each other",
                "port-blocked",
                "node1",
                "ip route add unreachable 172.30.77.13/32",
                "ip route del unreachable 172.30.77.13/32",
                also=("node3 port-blocked", "node1 step-ray_network"),
                said="node3 cannot connect",
            ),
        ],
        [
            Fault(
                "an address that the host has not",
                "address",
                "node1",
                vars={"address": "172.30.77.99"},
                also=("node1 port-blocked",),
                said="172.30.77.99",
            ),
            Fault(
                "a registry that does not answer",
                "registry",
                "node2",
                vars={"docker_registry_mirrors": ["http://172.30.77.2:9"]},
                said="refused",
            ),
            Fault(
                "a download that does not answer",
                "download",
                "node3",
                vars={"node_exporter_downloads": "http://172.30.77.3:9/x"},
                said="172.30.77.3:9",
            ),
        ],
        [
            *(named(host, "172.30.77.12") for host in ("node1", "node2")),
            Fault(
                "a name that one host does not know",
                "name-unresolved",
                "node3",
                also=("node2 port-blocked",),
                said="deep-two",
            ),
        ],
        [
            *(named(host, "172.30.77.12") for host in ("node1", "node2")),
            replace(
                named("node3", "172.30.77.55"),
                what="a name that is another address on one host",
                id="name-differs",
                also=("node2 port-blocked",),
                said="172.30.77.55",
            ),
        ],
        [
            Fault("no SSH server", "connect", "node1", vars={"ansible_port": 1}),
            Fault(
                "a user that the host refuses",
                "login",
                "node2",
                vars={"ansible_user": "nobody-here"},
            ),
            Fault(
                "a user who may not use sudo",
                "sudo",
                "node3",
                **moved("/etc/sudoers.d/admin"),
            ),
        ],
        [
            Fault(
                "a host key that is not known",
                "host-key",
                "node1",
                vars={"known_hosts": "empty_known_hosts"},
            ),
            Fault(
                "a host key that has changed",
                "host-key-changed",
                "node2",
                vars={
                    "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEVERVSgU3CIlr4Qq5Ns2xkUgZ3rOvvmxpRbQpB5YLSf"
                },
            ),
        ],
    ]
