"""Names, addresses and paths of the lab."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from provision.errors import LabError
from provision.lab.system import DEFAULT, HostSystem, system_named

NAME = "provision-lab"
LABEL = "provision.lab"
"""Docker label of everything that belongs to a lab; its value is the lab's folder."""
HOST_LABEL = "provision.lab.host"
"""Docker label of virtual hosts; its value is the number of the host."""
BRIDGE = "provlab0"
SUBNET = "172.30.77.0/24"
GATEWAY = "172.30.77.1"
SECOND = f"{NAME}-2"
"""The second network, which a lab has if that was asked for: IPv4, and IPv6."""
SECOND_BRIDGE = "provlab1"
SECOND_SUBNETS = ("172.30.78.0/24", "fd30:78::/64")
NETWORKS_FILE = "networks"
"""The file in the lab's folder with the number of its hosts' networks."""
REGISTRY = "172.30.77.2"
REGISTRY_PORT = 5000
ARTIFACTS = "172.30.77.3"
ARTIFACTS_PORT = 8080
RAY_IMAGE = "rayproject/ray:2.60.0"
MAX_HOSTS = 50
MAX_NETWORKS = 2
SYSTEM_FILE = "system"
"""The file in the lab's folder with the name of its hosts' system."""
RUN = Path("/run/provision-lab")
"""Socket and pid file of the engine. Short: a socket path has 107 bytes at most."""


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """Name, address and port of virtual host *number*: 1, 2, ..."""

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
    def second_address(self) -> str:
        """Its address in the second network, if the lab has one."""
        return f"172.30.78.{10 + self.number}"

    @property
    def second_address6(self) -> str:
        """Its IPv6 address in the second network, if the lab has one."""
        return f"fd30:78::{10 + self.number:x}"

    @property
    def port(self) -> int:
        """Port of its sshd on 127.0.0.1."""
        return 2200 + self.number


def virtual_hosts(hosts: int) -> list[VirtualHost]:
    """Return the first *hosts* virtual hosts.

    Raises:
        LabError: the lab network has no room for so many hosts.
    """
    if not 1 <= hosts <= MAX_HOSTS:
        raise LabError(f"a lab has 1 to {MAX_HOSTS} hosts, not {hosts}")
    return [VirtualHost(number) for number in range(1, hosts + 1)]


@dataclass(frozen=True, slots=True)
class LabPaths:
    """Files and folders of the lab."""

    root: Path
    cache: Path
    system: HostSystem = DEFAULT
    """The system of its hosts."""

    @classmethod
    def find(cls, root: Path | None = None) -> LabPaths:
        """Return the paths below *root*.

        By default *root* is `.lab` of the current directory, or of the nearest directory
        above that has one.
        Labs can share a cache: PROVISION_LAB_CACHE names its directory.
        """
        root = (root or _nearest_root()).resolve()
        shared = os.environ.get("PROVISION_LAB_CACHE")
        cache = Path(shared).resolve() if shared else root / "cache"
        chosen = root / SYSTEM_FILE
        system = system_named(chosen.read_text()) if chosen.exists() else DEFAULT
        return cls(root, cache, system)

    def choose(self, system: HostSystem) -> LabPaths:
        """Return the paths of a lab with hosts of *system*, from now on."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / SYSTEM_FILE).write_text(system.name)
        return replace(self, system=system)

    @property
    def networks(self) -> int:
        """Number of networks that each host is in."""
        file = self.root / NETWORKS_FILE
        return int(file.read_text()) if file.exists() else 1

    def choose_networks(self, number: int) -> None:
        """Let hosts that are made from now on be in *number* networks."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / NETWORKS_FILE).write_text(str(number))

    @property
    def of_system(self) -> Path:
        """The part of the cache that only hosts of this system use."""
        return self.cache / self.system.name

    @property
    def key(self) -> Path:
        """Private key for SSH to every host."""
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
    def created_key(self) -> Path:
        """Marker file: the lab's engine created /etc/docker/key.json on this machine."""
        return self.root / "made_key"

    @property
    def packages(self) -> Path:
        """Apt repository that the hosts install from."""
        return self.of_system / "apt"

    @property
    def archive_packages(self) -> Path:
        """Debian packages that the downloadable archives are made from."""
        return self.of_system / "parts"

    @property
    def archives(self) -> Path:
        """Archives that the hosts can download."""
        return self.of_system / "tarballs"

    @property
    def registry_store(self) -> Path:
        """Storage of the registry."""
        return self.cache / "registry"

    @property
    def server_programs(self) -> Path:
        """Programs of the registry and the artifact server."""
        return self.of_system / "programs"

    @property
    def host_keys(self) -> Path:
        """Folder with the private key of each expected host."""
        return self.root / "host_keys"

    def host_key(self, host: VirtualHost) -> Path:
        return self.host_keys / host.name

    def expected_hosts(self) -> list[VirtualHost]:
        """Return the hosts that the lab should have: those that have a key."""
        keys = self.host_keys.glob("node*[0-9]")
        return [VirtualHost(n) for n in sorted(int(key.name[4:]) for key in keys)]


def _nearest_root() -> Path:
    here = Path.cwd()
    roots = [folder / ".lab" for folder in (here, *here.parents)]
    return next((root for root in roots if root.is_dir()), roots[0])
