"""Rules for the size of groups: `- groups: {servers: some, clients: any}`.

An entry of a playbook beside its plays. The groups it names are the roles of hosts: a
host has at most one of them. The first of them has the host with the cluster's lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from provision.config.inventory import Inventory
from provision.config.spelling import nearest
from provision.config.yaml_source import did_you_mean
from provision.errors import InputError

SIZES = {"one": "exactly one host", "some": "at least one host", "any": "any number"}
"""The numbers of hosts that a group can be asked to have."""


def problems(groups: Mapping[str, str], inventory: Inventory) -> Iterator[InputError]:
    """Yield what of *inventory* breaks the rules of a playbook, one error for each group.

    Args:
        groups: the number of hosts of each group, one of `SIZES`.
        inventory: the hosts.
    """
    for name, size in groups.items():
        if name not in inventory.groups:
            yield _missing(name, size, groups, inventory)
        elif not _fits(len(inventory.groups[name]), size):
            yield _wrong_size(name, size, inventory)
    for one, other in combinations(groups, 2):
        both = set(inventory.groups.get(one, ())) & {*inventory.groups.get(other, ())}
        if both:
            yield _in_both(one, other, sorted(both), inventory)


def _fits(count: int, size: str) -> bool:
    return size == "any" or count == 1 or (size == "some" and count > 1)


def _missing(
    name: str, size: str, groups: Mapping[str, str], inventory: Inventory
) -> InputError:
    unused = inventory.groups.keys() - groups.keys()
    near = did_you_mean(name, unused)
    file = inventory.path or "the inventory"
    ask = "it may be empty" if size == "any" else f"with {SIZES[size]}"
    hint = near if near.startswith("did") else f"add the group to {file} ({ask})"
    problem = f"the playbook needs the group `{name}`"
    return inventory.error(nearest(name, unused), problem, hint)


def _wrong_size(name: str, size: str, inventory: Inventory) -> InputError:
    hosts = inventory.groups[name]
    found = f"{len(hosts)}: {', '.join(hosts)}" if hosts else "none"
    problem = f"the group `{name}` must have {SIZES[size]}; it has {found}"
    return inventory.error(name, problem)


def _in_both(
    one: str, other: str, hosts: Sequence[str], inventory: Inventory
) -> InputError:
    be = "is" if len(hosts) == 1 else "are"
    problem = f"{', '.join(hosts)} {be} in `{one}` and in `{other}`"
    hint = "a host has one role in this playbook; take it out of one of the two groups"
    return inventory.error(other, problem, hint)
