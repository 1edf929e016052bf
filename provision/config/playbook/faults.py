"""All that is wrong with the values of a playbook, each fault once, at its cause.

A value that a variable has brought is reported where the variable is set: with `--set`,
in the inventory, or in the `vars` of a play. Ten steps that use it are one error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from provision.config.playbook.variables import Variables
from provision.config.templating import UndefinedError, names_in, variable_in
from provision.config.yaml_source import Source, Where
from provision.errors import (
    InputError,
    RenderError,
    SecretError,
)


@dataclass(frozen=True, slots=True)
class Unrendered:
    """A value as the playbook has it, and its place."""

    source: Source
    where: Where
    value: Any

    def error(
        self, kind: type[InputError], rest: Where, problem: str, hint: str
    ) -> InputError:
        """An error about what is at *rest* in it."""
        return self.source.error(kind, (*self.where, *rest), problem, hint)


@dataclass(slots=True)
class _Fault:
    """An error, and the hosts that have it.

    Attributes:
        error: what to show.
        hosts: their names; "" = it is about no host.
        cause: the place and name of the variable that it is about; "" = none.
        uses: the same of all variables that the value is made of.
        sure: True if the value is nothing but the variable.
    """

    error: InputError
    cause: str = ""
    uses: frozenset[str] = frozenset()
    sure: bool = False
    hosts: list[str] = field(default_factory=list)

    @property
    def about(self) -> str:
        """Text that faults with one cause share; of a sure one, with one part of it."""
        error = self.error
        part = f"{error.file}:{error.line}:{error.path}"
        return part if self.sure else self.cause or str(error)


class Faults:
    """Gathers what is wrong."""

    def __init__(self, hosts: int) -> None:
        self._count = hosts
        self._faults: dict[str, _Fault] = {}

    def add(self, error: InputError, host: str = "") -> None:
        """Add *error*, which is about no variable."""
        self._add(_Fault(error), host)

    def add_value(
        self,
        unrendered: Unrendered,
        variables: Variables,
        error: InputError,
        rest: Where = (),
        names: Set[str] = frozenset(),
    ) -> None:
        """Add what is wrong with a value.

        Args:
            unrendered: as it is in the playbook.
            variables: what it was rendered with.
            error: the problem; its place is found here.
            rest: the place in the value.
            names: the variables that it asked for, as far as it could be rendered.
        """
        fault = _fault(unrendered, variables, error, rest, names)
        self._add(fault, variables.host.name)

    def errors(self) -> Iterator[InputError]:
        """Each fault once, with the hosts that have it unless that is all of them."""
        sure = {fault.cause for fault in self._faults.values() if fault.sure}
        seen: set[str] = set()
        for fault in self._faults.values():
            if fault.about in seen or (not fault.sure and fault.uses & sure):
                continue
            seen.add(fault.about)
            yield self._with_hosts(fault)

    def _add(self, fault: _Fault, host: str) -> None:
        self._faults.setdefault(str(fault.error), fault).hosts.append(host)

    def _with_hosts(self, fault: _Fault) -> InputError:
        hosts = list(dict.fromkeys(fault.hosts))
        if hosts == [""] or len(hosts) >= self._count > 1:
            return fault.error
        more = f" and {len(hosts) - 3} more" if len(hosts) > 3 else ""
        return fault.error.noting(f"(on {', '.join(hosts[:3])}{more})")


def _fault(
    unrendered: Unrendered,
    variables: Variables,
    error: InputError,
    rest: Where,
    names: Set[str],
) -> _Fault:
    merged = variables.merged
    leaf, inner = _follow(unrendered.value, rest)
    plain = unrendered.error(type(error), rest, error.message, error.hint)
    if isinstance(error, UndefinedError | SecretError):
        return _Fault(plain)
    name, way_in = _variable(leaf, inner, merged)
    uses = _names(leaf, merged) | (names & merged.keys())
    placed = frozenset(_place(variables, used) for used in uses)
    if name and not isinstance(error, RenderError):
        found = variables.error(name, way_in, error.message, error.hint)
        return _Fault(found, _place(variables, name), placed, sure=True)
    if cause := _outer_cause(uses, variables, error.message):
        place = unrendered.source.place((*unrendered.where, *rest))
        problem = f"{error.message}, in {place}"
        found = variables.error(cause, (), problem, error.hint)
        return _Fault(found, _place(variables, cause), placed)
    return _Fault(plain, uses=placed)


def _place(variables: Variables, name: str) -> str:
    """Text that is the same for the same setting of the variable *name*."""
    return str(variables.error(name, (), "", ""))


def _follow(value: Any, rest: Where) -> tuple[Any, Where]:
    """The leaf at *rest* in *value*, and what of *rest* is left if it is a leaf before."""
    while rest and (inner := _inside(value, rest[0])) is not None:
        value, rest = inner, rest[1:]
    return value, rest


def _inside(value: Any, part: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value[part] if isinstance(part, int) and part < len(value) else None
    return None


def _variable(leaf: Any, rest: Where, merged: Mapping[str, Any]) -> tuple[str, Where]:
    """The variable that *leaf* is and nothing else, and the place in its value."""
    found: tuple[str, Where] = ("", ())
    seen: set[str] = set()
    while (name := variable_in(leaf)) in merged and name not in seen:
        seen.add(name)
        found = name, rest
        leaf, rest = _follow(merged[name], rest)
    return found


def _names(value: Any, merged: Mapping[str, Any]) -> set[str]:
    """The variables that *value* is made of, at any depth."""
    found: set[str] = set()
    todo = list(names_in(value))
    while todo:
        name = todo.pop()
        if name in merged and name not in found:
            found.add(name)
            todo += names_in(merged[name])
    return found


def _outer_cause(names: set[str], variables: Variables, problem: str) -> str:
    """The only one of *names* from outside that can be the cause of *problem*, or ""."""
    outer = [name for name in sorted(names) if variables.outside(name)]
    if len(outer) > 1:
        merged = variables.merged
        texts = {name: str(merged[name]) for name in outer}
        outer = [name for name in outer if texts[name] and texts[name] in problem]
    return outer[0] if len(outer) == 1 else ""
