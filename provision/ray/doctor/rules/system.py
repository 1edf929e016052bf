"""Rules about the system of one host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.ray.doctor.finding import Finding, warning
from provision.ray.doctor.look.facts import Facts
from provision.ray.doctor.wanted import Wanted

ARCHITECTURES = ("x86_64", "aarch64", "amd64", "arm64")
FAMILIES = ("debian", "ubuntu", "rhel", "fedora", "centos")
KERNEL = (4, 18)
"""The oldest kernel: that of RHEL 8."""
MEMORY_MB = 2048
"""Memory below which Ray's own processes leave nothing for work."""


def system_findings(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    """Yield what is wrong with the system itself."""
    yield from _os(facts, wanted)
    yield from _kernel(facts)
    yield from _memory(facts)
    yield from _tools(facts)
    if wanted.docker and facts.get("cgroup") == "none":
        yield Finding(
            "cgroup",
            facts.host,
            "no control groups are mounted in /sys/fs/cgroup",
            "control groups, which Docker needs",
            "boot with systemd, or mount them as it does",
        )


def _os(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    known = {facts.get("os"), *facts.get("os_like").split()}
    if not known & {*FAMILIES}:
        name = facts.get("os_name") or facts.get("os") or "an unknown system"
        yield warning(
            "os",
            facts.host,
            name,
            "Debian, Ubuntu, the RHEL family or Fedora",
            "install Docker there yourself before the deploy, or use another system",
        )
    arch = facts.get("arch")
    if arch and arch not in ARCHITECTURES:
        yield Finding(
            "arch",
            facts.host,
            f"the processor's architecture is {arch}",
            "x86_64 or aarch64, for which there are images of Ray",
            "leave the host out, or start with a kernel of 64 bits",
        )
    if wanted.docker and facts.get("packages") == "none":
        has = bool(facts.get("docker_version"))
        make = warning if has else Finding
        yield make(
            "package-manager",
            facts.host,
            "neither apt-get nor dnf is there",
            "a package manager that can install Docker and curl",
            "install them there yourself, or use another system",
        )


def _kernel(facts: Facts) -> Iterator[Finding]:
    found = re.match(r"(\d+)\.(\d+)", facts.get("kernel"))
    if found and (int(found[1]), int(found[2])) < KERNEL:
        yield warning(
            "kernel",
            facts.host,
            f"kernel {facts.get('kernel')}",
            f"{KERNEL[0]}.{KERNEL[1]} or newer",
            "upgrade the system, and boot it",
        )


def _memory(facts: Facts) -> Iterator[Finding]:
    memory = facts.memory_mb
    if memory is not None and memory < MEMORY_MB:
        yield warning(
            "memory",
            facts.host,
            f"{memory} MB of memory",
            f"{MEMORY_MB} MB or more: Ray's own processes need about 1000",
            "add memory, or leave the host out",
        )
    if facts.get("shm") not in {"", "tmpfs"}:
        yield warning(
            "shm",
            facts.host,
            f"/dev/shm is of type {facts.get('shm')}",  # noqa: S108 - words
            "a tmpfs: Ray's objects are shared memory",
            "mount -t tmpfs tmpfs /dev/shm",
        )


def _tools(facts: Facts) -> Iterator[Finding]:
    if not facts.get("bash"):
        yield Finding(
            "bash",
            facts.host,
            "the program bash is not there",
            "bash, which checks whether programs answer",
            "install bash",
        )
    low = facts.number("port_range_low")
    if low is not None and low < 20000:
        yield warning(
            "port-range",
            facts.host,
            f"net.ipv4.ip_local_port_range begins at {low}",
            "20000 or more: any outgoing connection may take a port of Ray below that",
            "sysctl -w net.ipv4.ip_local_port_range='32768 60999', and keep it in /etc/sysctl.d",
        )
