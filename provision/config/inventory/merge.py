"""One mapping of variables for each host, in the order in which Ansible merges them.

The later wins: `all` as written in the inventory; the other groups as written, the
outermost first; `group_vars/all`; `group_vars/` of the other groups; the host as
written; `host_vars/`. Files beside a later inventory win over those beside a former.

Source: the Ansible documentation, "Understanding variable precedence", ansible-core 2.19.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from provision.config.file_text import short_name
from provision.config.inventory.entries import Variable
from provision.config.inventory.formats.variables_files import (
    GROUP_VARS,
    HOST_VARS,
    VariablesFiles,
)
from provision.config.inventory.groups import ALL, Groups, Ranks
from provision.errors import InputError
from provision.secrets.credentials import Credentials

Variables = Mapping[str, Variable]


class Merge:
    """The merged variables of each host.

    Args:
        groups: the groups and hosts as written.
        folders: the folders of its inventories, which may have files of variables.
        credentials: decrypt what is encrypted.
    """

    def __init__(
        self, groups: Groups, folders: Sequence[Path], credentials: Credentials
    ) -> None:
        self._groups = groups
        self._ranks = Ranks(groups)
        self._folders = {
            folder: VariablesFiles(folder, credentials) for folder in folders
        }
        self._files = [self._folders[folder] for folder in folders]
        self._of_groups = functools.cache(self._merged_groups)
        self._ties: dict[tuple[str, str], dict[str, None]] = {}

    @property
    def errors(self) -> list[InputError]:
        """Errors in the files that were read so far."""
        return [error for files in self._folders.values() for error in files.errors]

    def groups_of(self, host: str) -> tuple[str, ...]:
        """Return all groups of *host*, the ones that win last."""
        return self._ranks.groups_of(host)

    def variables(self, host: str) -> Variables:
        """Return the variables of *host*."""
        merged, ties = self._of_groups(self.groups_of(host))
        own = {**self._groups.hosts[host].vars}
        for files in self._files:
            own |= files.of(HOST_VARS, host)
        for name, pair in ties.items():
            if name not in own:
                self._ties.setdefault(pair, {})[name] = None
        return {**merged, **own}

    def warnings(self) -> Iterator[str]:
        """Yield what is odd with the variables of the hosts that were merged so far."""
        for (one, other), names in self._ties.items():
            yield (
                f"the groups {one!r} and {other!r} disagree about {_listed([*names])}, "
                f"and {other!r} wins by the alphabet; ansible_group_priority decides it"
            )
        if unused := sorted(self._unused()):
            yield f"files of variables for no group and no host: {_listed(unused)}"

    def _unused(self) -> Iterator[str]:
        for files in self._folders.values():
            for path in files.unused(GROUP_VARS, self._groups.groups):
                yield short_name(path)
            for path in files.unused(HOST_VARS, self._groups.hosts):
                yield short_name(path)

    def _merged_groups(self, names: tuple[str, ...]) -> tuple[Variables, Ties]:
        """The variables of the groups *names*, and where two of one rank disagree."""
        merged = _Layers(self._ranks)
        for name in names:
            merged.add(name, self._groups.groups[name].vars)
        for files in self._files:
            merged.add(ALL, files.of(GROUP_VARS, ALL))
        for files in self._files:
            merged.begin()
            for name in names[1:]:
                merged.add(name, files.of(GROUP_VARS, name))
        return merged.variables, merged.ties


MOST_NAMED = 10
"""Names in one warning."""
Ties = Mapping[str, tuple[str, str]]


class _Layers:
    """Variables of groups, one over the other; notes where only the alphabet decides."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        self._origins: dict[str, str] = {}
        self.variables: dict[str, Variable] = {}
        self.ties: dict[str, tuple[str, str]] = {}

    def begin(self) -> None:
        """Begin a layer that wins over those before, whatever the groups."""
        self._origins.clear()

    def add(self, group: str, variables: Variables) -> None:
        """Add the *variables* of *group*, which win."""
        for name, variable in variables.items():
            self.ties.pop(name, None)
            before = self._origins.get(name, group)
            if before != group and self._disagree(name, variable, before, group):
                self.ties[name] = (before, group)
        self.variables |= variables
        self._origins |= dict.fromkeys(variables, group)

    def _disagree(self, name: str, variable: Variable, one: str, other: str) -> bool:
        equal_rank = self._ranks.rank(one) == self._ranks.rank(other)
        return equal_rank and self.variables[name].value != variable.value


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return ", ".join(names[:MOST_NAMED]) + rest
