"""The groups and hosts that the entries of an inventory add up to, before any merging."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from provision.config.inventory.entries import (
    ChildEntry,
    Entry,
    GroupEntry,
    HostEntry,
    Variable,
    VariableEntry,
    WarningEntry,
)
from provision.config.yaml_source import Place, shown
from provision.errors import InputError, InventoryError

ALL = "all"
UNGROUPED = "ungrouped"
PRIORITY = "ansible_group_priority"
PORT = "ansible_port"


@dataclass(slots=True)
class Group:
    """A group as written: its own hosts and variables, and the groups in it."""

    name: str
    place: Place = field(default_factory=Place)
    hosts: dict[str, Place] = field(default_factory=dict)
    children: dict[str, Place] = field(default_factory=dict)
    vars: dict[str, Variable] = field(default_factory=dict)
    priority: int = 1


@dataclass(slots=True)
class HostLine:
    """A host as written: where it is met first, and its own variables."""

    name: str
    place: Place
    vars: dict[str, Variable] = field(default_factory=dict)


class Groups:
    """All groups and hosts of an inventory, in the order in which they are met.

    Attributes:
        groups: by name; `all` and `ungrouped` are always there.
        hosts: by name.
        errors: what is wrong.
        warnings: what is odd, and means the same to Ansible.
    """

    def __init__(self) -> None:
        self.groups = {name: Group(name) for name in (ALL, UNGROUPED)}
        self.hosts: dict[str, HostLine] = {}
        self.errors: list[InputError] = []
        self.warnings: list[str] = []

    def add(self, entries: Iterable[Entry]) -> None:
        """Add *entries*, which may say more about what is there already."""
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        match entry:
            case GroupEntry(name, place):
                self._group(name, place)
            case HostEntry():
                self._host(entry)
            case ChildEntry():
                self._child(entry)
            case VariableEntry(owner, variable):
                self._variable(owner, variable)
            case WarningEntry(text, place):
                self.warnings.append(f"{place}: {text}")
            case InputError():
                self.errors.append(entry)

    def _group(self, name: str, place: Place) -> Group:
        group = self.groups.setdefault(name, Group(name, place))
        if not group.place.file:
            group.place = place
        return group

    def _host(self, entry: HostEntry) -> None:
        name, place = entry.name, entry.place
        if name not in self.hosts:
            self.hosts[name] = HostLine(name, place)
            if entry.port:
                # As in Ansible, a port counts only where the host is met first.
                self.hosts[name].vars[PORT] = Variable(PORT, entry.port, place)
        self.groups[entry.group].hosts.setdefault(name, place)

    def _child(self, entry: ChildEntry) -> None:
        if entry.name == ALL or (entry.name == UNGROUPED and entry.parent != ALL):
            problem = f"`{entry.name}` cannot be in another group"
            self.errors.append(entry.place.error(InventoryError, problem))
        elif entry.name in self.groups:
            self.groups[entry.parent].children.setdefault(entry.name, entry.place)

    def _variable(self, owner: str, variable: Variable) -> None:
        if owner not in self.groups:
            self.hosts[owner].vars[variable.name] = variable
        elif variable.name == PRIORITY:
            self._priority(self.groups[owner], variable)
        else:
            # As in Ansible, also if a host has the name of the group.
            self.groups[owner].vars[variable.name] = variable

    def _priority(self, group: Group, variable: Variable) -> None:
        number = _number(variable.value)
        if number is None:
            problem = f"must be a whole number, not {shown(variable.value)}"
            self.errors.append(variable.place.error(InventoryError, problem))
        else:
            group.priority = number

    def check(self) -> None:
        """Note what is wrong or odd with the groups as a whole."""
        self._refuse_circles()
        for name in self.groups.keys() & self.hosts.keys():
            self._check_double(self.hosts[name])

    def _check_double(self, host: HostLine) -> None:
        """Note that *host* has the name of a group."""
        if any(host.name in g.hosts for n, g in self.groups.items() if n != ALL):
            self.warnings.append(
                f"{host.place}: {host.name!r} is a host and a group; its variables "
                "are those of the group, as in Ansible"
            )
        else:
            problem = f"{host.name!r} is a group, and a host that is in no group"
            hint = "give one of them another name"
            self.errors.append(host.place.error(InventoryError, problem, hint))

    def _refuse_circles(self) -> None:
        done: set[str] = set()

        def visit(name: str, path: tuple[str, ...]) -> bool:
            if name in path:
                circle = " -> ".join([*path[path.index(name) :], name])
                place = self.groups[path[-1]].children[name]
                problem = f"groups contain each other: {circle}"
                self.errors.append(place.error(InventoryError, problem))
                return True
            if name in done:
                return False
            found = any(visit(c, (*path, name)) for c in self.groups[name].children)
            done.add(name)
            return found

        any(visit(name, ()) for name in self.groups)


class Ranks:
    """The groups of each host, in the order in which their variables are merged."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups.groups
        self._parents: dict[str, set[str]] = {name: set() for name in groups.groups}
        for group in groups.groups.values():
            for child in group.children:
                self._parents[child].add(group.name)
        self._direct: dict[str, set[str]] = {name: set() for name in groups.hosts}
        for group in groups.groups.values():
            for host in group.hosts:
                self._direct[host].add(group.name)
        self.rank = functools.cache(self._rank)

    def groups_of(self, host: str) -> tuple[str, ...]:
        """Return all groups of *host*, the ones that win last."""
        direct = self._direct[host] - {ALL, UNGROUPED}
        return self._ordered(frozenset(direct or {UNGROUPED}))

    def _rank(self, name: str) -> tuple[int, int]:
        """Return the depth of a group below `all`, and its priority."""
        if name == ALL:
            return 0, 0
        above = (self.rank(parent)[0] for parent in self._parents[name])
        return max(above, default=0) + 1, self._groups[name].priority

    def _ordered(self, direct: frozenset[str]) -> tuple[str, ...]:
        found = {ALL}
        todo = [*direct]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self._parents[name]
        return tuple(sorted(found, key=lambda name: (*self.rank(name), name)))


def _number(value: Any) -> int | None:
    """*value* as Python makes a whole number of it; None: it does not."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
