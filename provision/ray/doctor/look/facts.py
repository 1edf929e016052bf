"""The facts that a look at a host has found, by name; what is not there is unknown."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from provision.model.change import State
from provision.steps.gpu.host_gpus import HostGpus, read_gpus

SHOWN = ("os_name", "kernel", "arch", "cpus", "memory_kib", "cgroup", "docker_version")
"""Facts that the JSON of doctor has of each host."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that listens at a port.

    Attributes:
        port: the port.
        own: whether it is the cluster's own.
        address: where it listens, as ss(8) writes it.
        process: as ss(8) names it; "" = it cannot be known.
    """

    port: int
    own: bool
    address: str
    process: str


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system on which a directory is, or is to be.

    Attributes:
        path: the directory.
        mount: where the file system is mounted.
        free_mb: its free room in MiB.
        inodes: how many are free; None = it has none to be counted.
        options: with which it is mounted.
    """

    path: str
    mount: str
    free_mb: int
    inodes: int | None
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that a look at *host* has found."""

    host: str
    state: State = field(repr=False)

    def get(self, name: str) -> str:
        """Return a fact; "" = it is unknown, or there is no such thing."""
        return self.state.get(name, "")

    def number(self, name: str) -> int | None:
        """Return a number; None = unknown."""
        text = self.get(name)
        return int(text) if text.isascii() and text.isdigit() else None

    def below(self, prefix: str) -> dict[str, str]:
        """Return the facts whose names begin with *prefix*, by the rest of their names."""
        found = self.state.items()
        return {k.removeprefix(prefix): v for k, v in found if k.startswith(prefix)}

    @property
    def shown(self) -> dict[str, str]:
        """The facts that a person wants to have of a host."""
        return {name: self.get(name) for name in SHOWN if self.get(name)}

    @property
    def memory_mb(self) -> int | None:
        """The host's memory in MiB; None = unknown."""
        kib = self.number("memory_kib")
        return None if kib is None else kib // 1024

    @property
    def node_runs(self) -> bool:
        """True if the cluster's container of Ray runs here."""
        return self.get("node") == "running"

    @property
    def gpus(self) -> HostGpus:
        """The GPUs of the host."""
        return read_gpus(self.state)

    def addresses(self) -> Iterator[tuple[str, str, int | None]]:
        """Yield interface, address and MTU of each of its addresses."""
        for words in self.below("ip.").values():
            device, address, mtu = [*words.split(" "), "", ""][:3]
            yield device, address, int(mtu) if mtu.isdigit() else None

    def interface_of(self, address: str) -> tuple[str, int | None] | None:
        """Return the interface that has *address*, and its MTU; None = none has."""
        for device, own, mtu in self.addresses():
            if same_address(own, address):
                return device, mtu
        return None

    def listeners(self) -> Iterator[Listener]:
        """Yield who listens at the ports that were asked for."""
        for port, words in self.below("port.").items():
            whose, address, process = [*words.split(" ", 2), "", ""][:3]
            yield Listener(int(port), whose == "own", address, process)

    def disk(self, path: str) -> Disk | None:
        """Return the file system of *path*; None = unknown."""
        free, _, mount = self.get(f"disk.{path}").partition(" ")
        if not free.isdigit():
            return None
        left, _, all_ = self.get(f"inodes.{path}").partition(" ")
        inodes = int(left) if left.isdigit() and all_ not in {"", "0"} else None
        options = tuple(self.get(f"mount.{path}").split(","))
        return Disk(path, mount, int(free) // 1024, inodes, options)

    def disks(self) -> Iterator[Disk]:
        """Yield the file systems of all directories that were asked for."""
        for path in self.below("disk."):
            if disk := self.disk(path):
                yield disk


def is_address(text: str) -> bool:
    """Return True if *text* is an IP address and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def same_address(one: str, other: str) -> bool:
    """Return True if both are the same IP address, however they are written."""
    if not (is_address(one) and is_address(other)):
        return False
    return ipaddress.ip_address(one) == ipaddress.ip_address(other)
