"""Names, addresses and paths of the lab; everything else asks here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from provision.errors import LabError

NAME = "provision-lab"
LABEL = "provision.lab"
"""On all that belongs to a lab; its value is the lab's root."""
HOST_LABEL = "provision.lab.host"
"""On hosts: the number."""
BRIDGE = "provlab0"
SUBNET = "172.30.77.0/24"
GATEWAY = "172.30.77.1"
REGISTRY = "172.30.77.2"
REGISTRY_PORT = 5000
ARTIFACTS = "172.30.77.3"
ARTIFACTS_PORT = 8080
RAY_IMAGE = "rayproject/ray:2.60.0"
SUITE = "bookworm"
MOST_HOSTS = 50
RUN = Path("/run/provision-lab")
"""What runs: socket and pid file. Short, since a socket's path has 107 bytes at most."""


@dataclass(frozen=True, slots=True)
class Node:
    """The place of virtual host *number*: 1, 2, ..."""

    number: int

    @property
    def name(self) -> str:
        return f"node{self.number}"

    @property
    def container(self) -> str:
        return f"{NAME}-{self.name}"

    @property
    def address(self) -> str:
        return f"172.30.77.{10 + self.number}"

    @property
    def port(self) -> int:
        """Where its sshd is reached, on 127.0.0.1."""
        return 2200 + self.number


def nodes(hosts: int) -> list[Node]:
    """The places of *hosts* virtual hosts.

    Raises:
        LabError: not a number of hosts the lab network has room for.
    """
    if not 1 <= hosts <= MOST_HOSTS:
        raise LabError(f"a lab has 1 to {MOST_HOSTS} hosts, not {hosts}")
    return [Node(number) for number in range(1, hosts + 1)]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the lab keeps its files."""

    root: Path
    cache: Path

    @classmethod
    def of(cls, root: Path | None = None) -> Layout:
        """The layout below *root*.

        By default that is `.lab` of the current directory, or of the nearest directory
        above that has one.
        The cache can be shared between labs: PROVISION_LAB_CACHE names its directory.
        """
        root = (root or _nearest()).resolve()
        shared = os.environ.get("PROVISION_LAB_CACHE")
        return cls(root, Path(shared).resolve() if shared else root / "cache")

    @property
    def key(self) -> Path:
        """The private key that opens every host."""
        return self.root / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def inventory(self) -> Path:
        return self.root / "inventory.yml"

    @property
    def engine_data(self) -> Path:
        return self.root / "docker"

    @property
    def engine_log(self) -> Path:
        return self.root / "dockerd.log"

    @property
    def made_key(self) -> Path:
        """Is there when the machine had no engine key before the lab's engine ran."""
        return self.root / "made_key"

    @property
    def packages(self) -> Path:
        """The apt repository that the hosts install from."""
        return self.cache / "apt"

    @property
    def parts(self) -> Path:
        """Packages that the archives on offer are made from."""
        return self.cache / "parts"

    @property
    def tarballs(self) -> Path:
        """The archives that hosts can download."""
        return self.cache / "tarballs"

    @property
    def images(self) -> Path:
        """The registry's store."""
        return self.cache / "registry"

    @property
    def programs(self) -> Path:
        """The programs of the registry and the artifact server."""
        return self.cache / "programs"

    @property
    def host_keys(self) -> Path:
        """The folder with a private key for each host there should be."""
        return self.root / "host_keys"

    def host_key(self, node: Node) -> Path:
        return self.host_keys / node.name

    def planned(self) -> list[Node]:
        """The hosts there should be: those that have a key."""
        keys = self.host_keys.glob("node*[0-9]")
        return [Node(n) for n in sorted(int(key.name[4:]) for key in keys)]


def _nearest() -> Path:
    here = Path.cwd()
    roots = [folder / ".lab" for folder in (here, *here.parents)]
    return next((root for root in roots if root.is_dir()), roots[0])
