"""A playbook on hosts, as it is run: each play with the steps of each of its hosts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from provision.config.inventory import Host
from provision.model.step import BoundStep


@dataclass(frozen=True, slots=True)
class BoundPlay:
    """A play with the steps of each of its hosts."""

    name: str
    after: tuple[str, ...]
    batch: int
    steps: Mapping[str, tuple[BoundStep, ...]]
    become: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Bound:
    """A playbook on the hosts of an inventory, ready to run.

    Attributes:
        plays: in the order they run.
        hosts: all hosts of the inventory, by name.
        warnings: what is odd and stops nothing.
        secrets: values that nothing may print.
        groups: the groups that the playbook names in its key `groups`, in order.
    """

    plays: tuple[BoundPlay, ...]
    hosts: Mapping[str, Host]
    warnings: tuple[str, ...] = ()
    secrets: Collection[str] = field(default=(), repr=False)
    groups: tuple[str, ...] = ()
