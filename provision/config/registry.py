"""Kinds of steps by name: the built-in table, and those of other packages."""

from __future__ import annotations

import functools
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from provision.config.yaml_source import did_you_mean
from provision.errors import PlaybookError
from provision.model.step import Step
from provision.steps import BUILTIN

GROUP = "provision.steps"
"""The entry points of other packages: `kind = package.module:Class`."""


def kinds() -> list[str]:
    """All kinds there are."""
    return sorted({*BUILTIN, *_others()})


@functools.cache
def step_class(kind: str) -> type[Step]:
    """The class of the steps of *kind*.

    Raises:
        PlaybookError: there is no such kind, or what should be it is no step.
    """
    if kind in BUILTIN:
        return _load(BUILTIN[kind])
    others = _others()
    if kind not in others:
        hint = did_you_mean(kind, [*BUILTIN, *others])
        raise PlaybookError(f"unknown step {kind!r}", hint=hint)
    found = others[kind].load()
    if not (isinstance(found, type) and issubclass(found, Step)):
        raise PlaybookError(f"the step {kind!r} of {others[kind].value} is no Step")
    return found


@functools.cache
def _others() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _load(path: str) -> type[Step]:
    module, _, name = path.partition(":")
    found: type[Step] = getattr(import_module(module), name)
    return found
