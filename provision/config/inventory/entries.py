"""The entries of an inventory, as each format yields them, in the order of the file.

What an inventory means depends on that order alone, so that two formats that yield the
same entries are the same inventory. An entry that is wrong is yielded as its error, and
the entries behind it are read all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provision.config.inventory.connection_vars import as_written
from provision.config.yaml_source import Place
from provision.errors import InputError


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, and where it was set."""

    name: str
    value: Any
    place: Place

    @classmethod
    def of(
        cls, name: str, value: Any, place: Place, written: str | None = None
    ) -> Variable:
        """Make one of *value*, for which *written* stands in the file."""
        return cls(name, as_written(name, value, written), place)


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """There is a group."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class HostEntry:
    """A host is in a group; *port* counts where the host is met first."""

    name: str
    group: str
    place: Place
    port: int | None = None


@dataclass(frozen=True, slots=True)
class ChildEntry:
    """A group is in another, its parent."""

    name: str
    parent: str
    place: Place


@dataclass(frozen=True, slots=True)
class VariableEntry:
    """A group or host has a variable."""

    owner: str
    variable: Variable


@dataclass(frozen=True, slots=True)
class WarningEntry:
    """Something is odd, and means what it means to Ansible."""

    text: str
    place: Place


Entry = GroupEntry | HostEntry | ChildEntry | VariableEntry | WarningEntry | InputError
Entries = Iterator[Entry]
