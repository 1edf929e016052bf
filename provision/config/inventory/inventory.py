"""An inventory: the hosts of one cluster, loaded from files or made in Python."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from provision.config.file_text import short_name
from provision.config.inventory import pattern as patterns
from provision.config.inventory.build import Builder
from provision.config.inventory.checks import LOCK_HOST
from provision.config.inventory.formats import yaml_file
from provision.config.inventory.groups import Groups
from provision.config.inventory.host import Host
from provision.config.inventory.sources import read
from provision.config.yaml_source import Place, Source
from provision.errors import InputError, InventoryError
from provision.secrets.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts of one cluster.

    Attributes:
        cluster: its name: the variable `cluster`, else the file's name.
        hosts: by name, in the order of the file.
        groups: the names of their hosts, also of those in groups within.
        path: the first file or folder it was read from; None: it was made in Python.
        warnings: what is odd and stops nothing.
        group_places: where each group is met first.
        credentials: what it was read with; its secrets are read with them as well.
    """

    cluster: str
    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]
    path: Path | None = None
    warnings: tuple[str, ...] = field(default=())
    group_places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    credentials: Credentials = field(
        default_factory=Credentials, repr=False, compare=False
    )

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, cluster: str = "cluster") -> Inventory:
        """Make an inventory of *data*, in the shape of a YAML inventory.

        Args:
            data: `{"all": {"hosts": {"node1": {"ansible_host": "10.0.0.1"}}}}`.
            cluster: the name, unless the variable `cluster` has one.

        Raises:
            InventoryError: something in it is wrong (InputErrors: several things).
        """
        groups = Groups()
        groups.add(yaml_file.entries(Source("", data)))
        return _made(Builder(groups, [], None, (), Credentials()), cluster)

    def select(self, pattern: str) -> list[str]:
        """The names of the hosts that *pattern* chooses, in the inventory's order.

        Raises:
            InventoryError: a name in it is neither a host nor a group.
        """
        return patterns.select(pattern, list(self.hosts), self.groups)

    def lock_host(self, groups: Iterable[str] = ()) -> Host:
        """Return the host that has the cluster's lock, and is asked for lost secrets.

        The variable `lock_host` names it; else it is the first host of the first of
        *groups* that has one; else the first host.

        Args:
            groups: the groups that a playbook names in its key `groups`.
        """
        named = (
            host.vars[LOCK_HOST]
            for host in self.hosts.values()
            if LOCK_HOST in host.vars
        )
        first = (host for name in groups for host in self.groups.get(name, ()))
        return self.hosts[next(itertools.chain(named, first, self.hosts))]

    def error(self, group: str, problem: str, hint: str = "") -> InputError:
        """Return an error about *group*, with its line if it is in the document."""
        file = short_name(self.path) if self.path else ""
        place = self.group_places.get(group, Place())
        place = place if place.file else Place(file)
        return place.error(InventoryError, problem, hint)

    @property
    def state_dir(self) -> Path:
        """The folder of its cluster's secrets and of the hosts it had.

        Beside the inventory, so that the folder one calls from does not matter.
        """
        base = self.path.parent if self.path else Path()
        return base / ".provision" / self.cluster

    def with_credentials(self, credentials: Credentials) -> Inventory:
        """Return a copy with *credentials*, and their password for sudo where none is."""
        hosts = dict(self.hosts)
        if password := credentials.find_become_password():
            given = {"ansible_become_password": password}
            hosts |= {
                name: replace(host, vars={**host.vars, **given})
                for name, host in hosts.items()
                if host.become_password is None
            }
        return replace(self, hosts=hosts, credentials=credentials)


def load(
    paths: Path | Sequence[Path], credentials: Credentials | None = None
) -> Inventory:
    """Load the inventory in *paths*, a file or folder, or several that are one.

    Of several the later win. It is the cluster of the first: its name, and the folder
    that the secrets, `known_hosts` and relative paths are in.

    Args:
        paths: files or folders.
        credentials: decrypt what is encrypted in them; without any, new ones.

    Raises:
        InventoryError: something in it is wrong (InputErrors: several things).
    """
    given = [paths] if isinstance(paths, Path) else paths
    credentials = credentials or Credentials()
    # A link stays a link: what lies beside it belongs to it, as in Ansible.
    absolute = [path.parent.resolve() / path.name for path in given]
    folders = [path if path.is_dir() else path.parent for path in absolute]
    names = tuple(short_name(path) for path in given)
    groups = read(given, credentials)
    builder = Builder(groups, folders, absolute[0], names, credentials)
    return _made(builder, absolute[0].stem)


def _made(builder: Builder, cluster: str) -> Inventory:
    built = builder.build(cluster)
    return Inventory(
        cluster=built.cluster,
        hosts=built.hosts,
        groups=built.groups,
        path=builder.path,
        warnings=built.warnings,
        group_places=built.group_places,
        credentials=builder.credentials,
    )
