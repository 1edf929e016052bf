"""Checks of an inventory: variables that cannot be honoured, the lock host, the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provision.config.inventory import connection_vars as connection
from provision.config.inventory.entries import Variable
from provision.config.inventory.host import Host
from provision.config.inventory.merge import Variables
from provision.config.yaml_source import Place, did_you_mean
from provision.errors import InputError, InventoryError, RenderError

CLUSTER = "cluster"
"""The variable with the name of the cluster."""
CLUSTER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
LOCK_HOST = "lock_host"
"""The variable that names the host with the cluster's lock."""


@dataclass(slots=True)
class _Mistake:
    """A wrong variable, and the hosts that have it."""

    variable: Variable
    problem: str
    hint: str
    hosts: list[str] = field(default_factory=list)

    def error(self) -> InputError:
        """Return the one error that is shown for all its hosts."""
        return self.variable.place.error(InventoryError, self.problem, self.hint)


class Mistakes:
    """The wrong connection variables of all hosts: one error for each place."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Place, str], _Mistake] = {}

    def check(self, host: str, variable: Variable, value: Any) -> None:
        """Check the *value* that *variable* has on *host*, which may be an error."""
        if isinstance(value, RenderError):
            self._note(host, variable, value.message, value.hint)
        elif found := connection.problem(variable.name, value):
            self._note(host, variable, *found)

    def errors(self) -> Iterator[InputError]:
        """Yield an error for each mistake."""
        for mistake in self._found.values():
            yield mistake.error()

    def _note(self, host: str, variable: Variable, problem: str, hint: str) -> None:
        key = (variable.name, variable.place, problem)
        new = _Mistake(variable, problem, hint)
        self._found.setdefault(key, new).hosts.append(host)


def near_misses(variables: Iterable[Variables]) -> Iterator[str]:
    """Yield a warning for each name that is nearly one of those that are honoured."""
    seen: set[str] = set()
    for name, variable in (item for of_host in variables for item in of_host.items()):
        if name not in seen and (near := connection.near_miss(name)):
            seen.add(name)
            yield f"{variable.place}: {name!r} is not known here; did you mean {near!r}?"


def lock_hosts(
    hosts: Mapping[str, Host], variables: Mapping[str, Variables]
) -> Iterator[InputError]:
    """Yield what is wrong with `lock_host`: one host of the inventory, the same for all."""
    seen: dict[str, Variable] = {}
    for of_host in variables.values():
        if LOCK_HOST in of_host:
            seen.setdefault(str(of_host[LOCK_HOST].value), of_host[LOCK_HOST])
    for name, variable in seen.items():
        if name not in hosts:
            hint = did_you_mean(name, hosts)
            problem = f"no host is called {name!r}"
            yield variable.place.error(InventoryError, problem, hint)
        elif len(seen) > 1:
            problem = f"one inventory has one lock host, not {', '.join(seen)}"
            hint = f"set `{LOCK_HOST}` for `all` only"
            yield variable.place.error(InventoryError, problem, hint)
            return


def cluster(hosts: Iterable[Host], default: str, file: str) -> str:
    """Return the name of the cluster.

    Raises:
        InventoryError: there are two, or it cannot be one.
    """
    named = {str(host.vars[CLUSTER]) for host in hosts if CLUSTER in host.vars}
    if len(named) > 1:
        problem = f"one inventory is one cluster, not {', '.join(sorted(named))}"
        hint = f"set `{CLUSTER}` for `all` only"
        raise InventoryError(problem, hint=hint, file=file)
    name = named.pop() if named else default
    if not CLUSTER_NAME.match(name):
        hint = f"letters, digits, `-`, `_` and `.`; set the variable `{CLUSTER}`"
        problem = f"{name!r} cannot be the name of a cluster"
        raise InventoryError(problem, hint=hint, file=file)
    return name
