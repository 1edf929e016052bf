"""Hosts, with merged and checked variables, made of the groups as they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.config.file_text import short_name
from provision.config.inventory import checks
from provision.config.inventory.connection_vars import opened
from provision.config.inventory.groups import Groups
from provision.config.inventory.host import Host
from provision.config.inventory.merge import Merge, Variables
from provision.config.inventory.templates import Templates
from provision.config.yaml_source import Place
from provision.errors import InventoryError, raise_all
from provision.secrets.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Built:
    """The parts of an inventory; see `Inventory`."""

    cluster: str
    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    group_places: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes an inventory of *groups*.

    Attributes:
        groups: the groups and hosts as written.
        folders: the folders that may have files of variables.
        path: the inventory's file or folder; None: it was made in Python.
        names: the inventories as options of a command name them.
        credentials: decrypt what is encrypted.
    """

    groups: Groups
    folders: Sequence[Path]
    path: Path | None
    names: tuple[str, ...]
    credentials: Credentials

    def build(self, cluster: str) -> Built:
        """Return the inventory, called *cluster* unless a variable says otherwise.

        Raises:
            InventoryError: something in it is wrong (InputErrors: several things).
        """
        self.groups.check()
        raise_all(self.groups.errors)
        if not self.groups.hosts:
            problem, hint = "there is no host in it", "add one below `hosts:`"
            raise InventoryError(problem, hint=hint, file=self._file)
        merge = Merge(self.groups, self.folders, self.credentials)
        variables = {name: merge.variables(name) for name in self.groups.hosts}
        raise_all(merge.errors)
        hosts = self._hosts(merge, variables)
        raise_all(checks.lock_hosts(hosts, variables))
        return Built(
            cluster=checks.cluster(hosts.values(), cluster, self._file),
            hosts=hosts,
            groups=self._members(merge),
            warnings=(
                *self.groups.warnings,
                *merge.warnings(),
                *checks.near_misses(variables.values()),
            ),
            group_places={name: one.place for name, one in self.groups.groups.items()},
        )

    @property
    def _file(self) -> str:
        return short_name(self.path) if self.path else ""

    def _members(self, merge: Merge) -> dict[str, tuple[str, ...]]:
        """The hosts of each group, also those in groups within."""
        members: dict[str, list[str]] = {name: [] for name in self.groups.groups}
        for host in self.groups.hosts:
            for group in merge.groups_of(host):
                members[group].append(host)
        return {name: tuple(hosts) for name, hosts in members.items()}

    def _hosts(self, merge: Merge, found: Mapping[str, Variables]) -> dict[str, Host]:
        """The hosts, with templates in connection variables rendered.

        Raises:
            InputErrors: variables that cannot be honoured.
        """
        values = {
            host: opened({name: one.value for name, one in variables.items()})
            for host, variables in found.items()
        }
        base = self.path.parent if self.path else Path.cwd()
        groups_of = {host: merge.groups_of(host) for host in found}
        templates = Templates(values, self._members(merge), groups_of, base)
        mistakes = checks.Mistakes()
        hosts = {}
        for name, variables in found.items():
            rendered = opened(dict(templates.rendered(name)))
            for variable in variables.values():
                value = rendered.get(variable.name, values[name][variable.name])
                mistakes.check(name, variable, value)
            hosts[name] = Host(
                name,
                groups_of[name],
                values[name],
                str(self.groups.hosts[name].place),
                base,
                rendered,
                self.names,
                {key: variable.place for key, variable in variables.items()},
            )
        raise_all(mistakes.errors())
        return hosts
