"""Inventories in YAML or JSON: groups with `hosts`, `vars` and `children`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provision.config.inventory.entries import (
    ChildEntry,
    Entries,
    GroupEntry,
    HostEntry,
    Variable,
    VariableEntry,
)
from provision.config.inventory.formats.names import group_name, host_names
from provision.config.yaml_source import Source, Where, did_you_mean, shown
from provision.errors import InputError, InventoryError

SECTIONS = ("hosts", "vars", "children")
IMPLIED = ("all", "ungrouped")
NO_LIST = "one entry a line, each with a colon at its end, no dashes"
PLUGIN = "`ansible-inventory -i FILE --list --yaml` writes one without plugins"


def entries(source: Source) -> Entries:
    """Yield the entries of the inventory in *source*."""
    top = source.data
    if top is None and not source.lines:
        return
    if not isinstance(top, Mapping) or not top:
        hint = "begin with `all:` and below it `hosts:`"
        yield _error(source, (), "an inventory is a mapping of groups", hint)
    elif top.get("plugin"):
        problem = "this file is for an inventory plugin of Ansible"
        yield _error(source, ("plugin",), problem, PLUGIN)
    else:
        for name, body in top.items():
            yield from _group(source, name, body, source.below((), name))


def variables(source: Source, body: object, where: Where) -> Iterator[Variable]:
    """Yield the variables in the mapping *body*.

    Raises:
        InputError: it is no mapping, or a name in it is no text.
    """
    if not isinstance(body, Mapping):
        raise _error(source, where, f"must be variables, not {shown(body)}")
    for name, value in body.items():
        here = source.below(where, name)
        if not isinstance(name, str):
            word = source.written_keys.get(here, str(name))
            problem = "the name of a variable must be text"
            raise _error(source, here, problem, f'quote it: "{word}"')
        place = source.at(here)
        yield Variable.of(str(name), value, place, source.written.get(here))


def _error(source: Source, where: Where, problem: str, hint: str = "") -> InputError:
    return source.error(InventoryError, where, problem, hint)


def _group(source: Source, key: Any, body: Any, where: Where) -> Entries:
    try:
        name = group_name(key, source.written_keys.get(where))
    except ValueError as error:
        yield _error(source, where, str(error))
        return
    yield GroupEntry(name, source.at(where))
    if body is not None and not isinstance(body, Mapping):
        yield _error(source, where, f"must be a mapping, not {shown(body)}")
        return
    for section, content in (body or {}).items():
        yield from _section(
            source, name, section, content, source.below(where, section)
        )


def _section(
    source: Source, group: str, section: Any, content: Any, where: Where
) -> Entries:
    if section not in SECTIONS:
        hint = did_you_mean(str(section), SECTIONS)
        if group in IMPLIED and "did" not in hint:
            hint = f"groups stand beside `{group}` or below its `children`"
        yield _error(source, where, "unknown key of a group", hint)
        return
    # One name needs no colon.
    body = {content: None} if isinstance(content, str) else content
    if body is None:
        return
    if not isinstance(body, Mapping):
        problem = f"must be a mapping, not {shown(body)}"
        yield _error(source, where, problem, NO_LIST)
        return
    read = {"hosts": _hosts, "vars": _vars, "children": _children}[section]
    yield from read(source, group, body, where)


def _vars(source: Source, group: str, body: Mapping[Any, Any], where: Where) -> Entries:
    try:
        for variable in variables(source, body, where):
            yield VariableEntry(group, variable)
    except InputError as error:
        yield error


def _children(
    source: Source, group: str, body: Mapping[Any, Any], where: Where
) -> Entries:
    for name, child in body.items():
        here = source.below(where, name)
        yield from _group(source, name, child, here)
        if isinstance(name, str):
            yield ChildEntry(name, group, source.at(here))


def _hosts(
    source: Source, group: str, body: Mapping[Any, Any], where: Where
) -> Entries:
    for pattern, content in body.items():
        here = source.below(where, pattern)
        try:
            names, port = host_names(pattern, source.written_keys.get(here))
            found = list(variables(source, content or {}, here))
        except ValueError as error:
            yield _host_error(source, content, here, error)
            continue
        for name in names:
            yield HostEntry(name, group, source.at(here), port or None)
            yield from (VariableEntry(name, variable) for variable in found)


def _host_error(
    source: Source, content: Any, where: Where, error: ValueError
) -> InputError:
    if not isinstance(error, InputError):
        return _error(source, where, str(error))
    if isinstance(content, str) and " " not in content:
        name = where[-1]
        error.hint = f"for its address write `{name}: {{ansible_host: {content}}}`"
    return error
