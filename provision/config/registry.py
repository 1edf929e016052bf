"""Kinds of steps by name: the built-in table, and those of other packages."""

from __future__ import annotations

import functools
from importlib import import_module

from provision.config.spelling import nearest
from provision.errors import PlaybookError
from provision.model.step import Step
from provision.plugins import STEPS, Plugin, missing, plugins
from provision.steps import BUILTIN


def kinds() -> list[str]:
    """All kinds there are."""
    return sorted({*BUILTIN, *plugins(STEPS)})


@functools.cache
def step_class(kind: str) -> type[Step]:
    """The class of the steps of *kind*.

    Raises:
        PlaybookError: there is no such kind, or what should be it is no step.
    """
    if kind in BUILTIN:
        return _load(BUILTIN[kind])
    others = plugins(STEPS)
    if kind not in others:
        hint = missing(STEPS) or _known(kind)
        raise PlaybookError(f"unknown step {kind!r}", hint=hint)
    return _load_plugin(others[kind])


def _known(kind: str) -> str:
    """The nearest kind, or all of them but for those that undo another one."""
    if near := nearest(kind, kinds()):
        return f"did you mean {near!r}?"
    undone = {f"{name}_absent" for name in kinds()}
    return f"known: {', '.join(sorted({*kinds()} - undone))}; X_absent undoes X"


def _load_plugin(plugin: Plugin) -> type[Step]:
    what = f"the step {plugin.name!r} of the package {plugin.package}"
    try:
        found = plugin.load()
    except (ImportError, AttributeError) as error:
        hint = f"install what {plugin.package} needs, or another version of it"
        raise PlaybookError(f"{what} cannot be loaded: {error}", hint=hint) from error
    if not (isinstance(found, type) and issubclass(found, Step)):
        raise PlaybookError(f"{what}, {plugin.value}, is not a Step")
    return found


def _load(path: str) -> type[Step]:
    module, _, name = path.partition(":")
    found: type[Step] = getattr(import_module(module), name)
    return found
