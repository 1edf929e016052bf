"""Patterns that choose hosts: `racks:!node3`, `rack*:&gpu`, `all`.

Source: the Ansible documentation, "Patterns: targeting hosts and groups",
ansible-core 2.19. Ranges and regular expressions in patterns are left out.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence

from provision.config.yaml_source import did_you_mean
from provision.errors import InventoryError


def select(
    pattern: str, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> list[str]:
    """The names among *hosts* that *pattern* chooses, in their own order.

    Parts are divided by `:` or `,`. First all plain parts are joined, then parts with
    `&` keep what is in both, then parts with `!` take away.

    Raises:
        InventoryError: a name in it is neither a host nor a group.
    """
    parts = [part.strip() for part in re.split(r"[:,]", pattern)]
    parts = [part for part in parts if part]
    if not parts:
        raise InventoryError("the pattern is empty", hint="`all` chooses all hosts")
    plain = [part for part in parts if part[0] not in "&!"]
    chosen = _union(plain, hosts, groups) if plain else set(hosts)
    for part in parts:
        if part[0] == "&":
            chosen &= _match(part[1:], hosts, groups)
    for part in parts:
        if part[0] == "!":
            chosen -= _match(part[1:], hosts, groups)
    return [host for host in hosts if host in chosen]


def _union(
    parts: Sequence[str], hosts: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> set[str]:
    return set().union(*(_match(part, hosts, groups) for part in parts))


def _match(
    part: str, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]
) -> set[str]:
    if part in groups:
        return set(groups[part])
    if part in hosts:
        return {part}
    if re.search(r"[*?\[]", part):
        named = [members for name, members in groups.items() if _glob(name, part)]
        found = {host for host in hosts if _glob(host, part)}
        if found or named:
            return found.union(*named)
    raise InventoryError(
        f"no host or group is called {part!r}",
        hint=did_you_mean(part, [*hosts, *groups]),
    )


def _glob(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern)
