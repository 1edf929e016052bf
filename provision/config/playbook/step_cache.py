"""Steps that were made for one host, for the next ones whose variables give an equal one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from provision.config.playbook.play import StepEntry
from provision.config.templating import Scope
from provision.model.fields import Written
from provision.model.step import BoundStep

VARIANTS = 8
"""Number of forms of a step that are kept."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A step, and the values that its templates asked for, by their names."""

    step: BoundStep
    inputs: Mapping[str, Any]


class StepCache:
    """Steps by the entry of the playbook and what its templates asked for."""

    def __init__(self) -> None:
        self._made: dict[int, deque[_Made]] = {}

    def find(self, entry: StepEntry, scope: Scope) -> BoundStep | None:
        """Return the step of *entry* in *scope*, if an equal one was made before."""
        for made in self._made.get(id(entry), ()):
            if _agree(scope, made.inputs):
                scope.used.update(made.inputs)
                return made.step
        return None

    def add(
        self, entry: StepEntry, scope: Scope, names: Iterable[str], step: BoundStep
    ) -> None:
        """Keep the *step* that was made of *entry* in *scope*, where it asked for *names*."""
        inputs = {name: scope.input(name) for name in names}
        variants = self._made.setdefault(id(entry), deque(maxlen=VARIANTS))
        variants.append(_Made(step, inputs))


def _agree(scope: Scope, inputs: Mapping[str, Any]) -> bool:
    """Return True if *scope* has the same *inputs*: a loop, for many thousand steps."""
    for name, value in inputs.items():
        found = scope.input(name)
        if found is not value and not same(found, value):
            return False
    return True


def same(one: Any, other: Any) -> bool:
    """Return True if two values are alike in templates: 1 and true are not, nor other orders."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return same([*one], [*other]) and same([*one.values()], [*other.values()])
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Written):
        return str(one) == str(other)
    return bool(one == other)
