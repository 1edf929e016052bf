"""An inventory: found by name, loaded, checked as a whole."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from provision.config.inventory import connection_vars as connection
from provision.config.inventory import pattern as patterns
from provision.config.inventory.groups import GroupTree
from provision.config.inventory.host import Host
from provision.config.inventory.merge import Merge
from provision.config.yaml_source import Source, Where, did_you_mean
from provision.config.yaml_source import load as load_source
from provision.errors import InputError, InventoryError, raise_all
from provision.secrets.credentials import Credentials

FOLDER = "inventories"
SUFFIXES = ("", ".yml", ".yaml", ".json")
LOCK_HOST = "lock_host"
"""The variable that names the host with the cluster's lock."""
CLUSTER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts of one cluster.

    Attributes:
        cluster: its name: the variable `cluster`, else the file's name.
        hosts: by name, in the order of the file.
        groups: the names of their hosts, also of those in groups within.
        path: the file; None when it was made in Python.
        warnings: what is odd and stops nothing.
        source: the document it was made from, for errors about it.
        group_places: where each group is in the document.
        credentials: what it was read with; its secrets are read with them as well.
    """

    cluster: str
    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]
    path: Path | None = None
    warnings: tuple[str, ...] = field(default=())
    source: Source = field(default=Source("", None), repr=False)
    group_places: Mapping[str, Where] = field(default_factory=dict, repr=False)
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
        return _build(Source("", data), None, cluster, Credentials())

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
        place = self.group_places.get(group, ())
        return self.source.error(InventoryError, place, problem, hint)

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


def find(name: str) -> Path:
    """The inventory called *name*: a path, or a name in `inventories/`.

    Raises:
        InventoryError: there is none.
    """
    for folder in (Path(), Path(FOLDER)):
        for suffix in SUFFIXES:
            if (path := folder / f"{name}{suffix}").is_file():
                return path
    raise InventoryError(
        f"there is no inventory {name!r}, here or in {FOLDER}/",
        hint=did_you_mean(name, _available()) or "name a file: --inventory lab.yml",
    )


def _available() -> list[str]:
    folder = Path(FOLDER)
    return [f.name for f in folder.glob("*.*")] if folder.is_dir() else []


def load(path: Path, credentials: Credentials | None = None) -> Inventory:
    """Load the inventory in *path*.

    Args:
        path: the file.
        credentials: decrypt what is encrypted in it; without any, new ones.

    Raises:
        InventoryError: something in it is wrong (InputErrors: several things).
    """
    credentials = credentials or Credentials()
    source = load_source(path, InventoryError, credentials=credentials)
    return _build(source, path.resolve(), path.stem, credentials)


def _build(
    source: Source, path: Path | None, cluster: str, credentials: Credentials
) -> Inventory:
    tree = GroupTree(source)
    raise_all(tree.errors)
    merge = Merge(tree, path.parent if path else None, credentials)
    base = path.parent if path else Path.cwd()
    hosts, errors = {}, []
    for name in merge.hosts:
        try:
            hosts[name] = _host(tree, merge, name, base)
        except InputError as error:
            errors.append(error)
    raise_all(errors)
    groups = {
        group: tuple(name for name in hosts if group in hosts[name].groups)
        for group in tree.groups
    }
    raise_all(
        [
            *_variables(tree, hosts.values()),
            *_lock_host_problems(tree, hosts),
            *_host_problems(tree, hosts),
        ]
    )
    named = {str(h.vars["cluster"]) for h in hosts.values() if "cluster" in h.vars}
    return Inventory(
        cluster=_cluster(source, named, cluster),
        hosts=hosts,
        groups=groups,
        path=path,
        source=source,
        group_places={name: group.where for name, group in tree.groups.items()},
        credentials=credentials,
    )


def _host(tree: GroupTree, merge: Merge, name: str, base: Path) -> Host:
    where = _place(tree, name)
    groups = tuple(merge.groups_of(name))
    variables = connection.opened(merge.variables(name))
    return Host(name, groups, variables, tree.source.place(where), base)


def _place(tree: GroupTree, host: str) -> tuple[str | int, ...]:
    return next(g.hosts[host] for g in tree.groups.values() if host in g.hosts)


def _variables(tree: GroupTree, hosts: Iterable[Host]) -> Iterator[InputError]:
    """Yield the problems of connection variables; each value once."""
    seen: set[tuple[str, str]] = set()
    for host in hosts:
        for name, problem, hint in connection.problems(host.vars):
            if (name, problem) not in seen:
                seen.add((name, problem))
                where = _where_set(tree, host, name)
                yield tree.source.error(InventoryError, where, problem, hint)


def _where_set(tree: GroupTree, host: Host, variable: str) -> tuple[str | int, ...]:
    """The place in the file that gave *host* its *variable*, as well as it is known."""
    here = (*_place(tree, host.name), variable)
    if here in tree.source.lines:
        return here
    for name in reversed(host.groups):
        group = tree.groups[name]
        if variable in group.vars:
            return (*group.where, "vars", variable)
    return here


def _host_problems(tree: GroupTree, hosts: Mapping[str, Host]) -> Iterator[InputError]:
    """Yield what no inventory can have."""
    if not hosts:
        problem = "there is no host in it"
        yield tree.source.error(InventoryError, (), problem, "add one below `hosts:`")
    yield from _same_address(tree, hosts)


def _lock_host_problems(
    tree: GroupTree, hosts: Mapping[str, Host]
) -> Iterator[InputError]:
    """Yield what is wrong with `lock_host`: one host of the inventory, the same for all."""
    seen: dict[str, Host] = {}
    for host in hosts.values():
        if LOCK_HOST in host.vars:
            seen.setdefault(str(host.vars[LOCK_HOST]), host)
    for name, host in seen.items():
        where = _where_set(tree, host, LOCK_HOST)
        if name not in hosts:
            hint = did_you_mean(name, hosts)
            problem = f"no host is called {name!r}"
            yield tree.source.error(InventoryError, where, problem, hint)
        elif len(seen) > 1:
            problem = f"one inventory has one lock host, not {', '.join(seen)}"
            hint = f"set `{LOCK_HOST}` for `all` only"
            yield tree.source.error(InventoryError, where, problem, hint)
            return


def _same_address(tree: GroupTree, hosts: Mapping[str, Host]) -> Iterator[InputError]:
    seen: dict[str, str] = {}
    for host in hosts.values():
        first = seen.setdefault(host.address, host.name)
        if first != host.name and host.connection != "local":
            problem = f"{host.name} and {first} have the same address {host.address}"
            hint = "correct ansible_host, or set `address`: where other nodes reach it"
            where = _place(tree, host.name)
            yield tree.source.error(InventoryError, where, problem, hint)


def _cluster(source: Source, named: set[str], default: str) -> str:
    if len(named) > 1:
        problem = f"one inventory is one cluster, not {', '.join(sorted(named))}"
        raise source.error(InventoryError, (), problem, "set `cluster` for `all` only")
    cluster = named.pop() if named else default
    if not CLUSTER.match(cluster):
        hint = "letters, digits, `-`, `_` and `.`; set the variable `cluster`"
        problem = f"{cluster!r} cannot be the name of a cluster"
        raise source.error(InventoryError, (), problem, hint)
    return cluster
