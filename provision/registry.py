"""Kinds of steps by name: the built-in table, and those of other packages."""

from __future__ import annotations

import functools
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from provision.errors import PlaybookError
from provision.source import did_you_mean
from provision.step import Step
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


def schema() -> dict[str, Any]:
    """The JSON schema of playbooks, for editors that complete and check YAML."""
    template = {"type": "string", "pattern": r"\{\{.*\}\}"}
    definitions: dict[str, Any] = {}
    entries: dict[str, Any] = {
        "name": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    }
    for kind in kinds():
        described = step_class(kind).model_json_schema(
            ref_template="#/$defs/{model}", mode="validation"
        )
        definitions |= described.pop("$defs", {})
        fields = described.get("properties", {})
        described["properties"] = {
            name: {"anyOf": [field, template]} for name, field in fields.items()
        }
        entries[kind] = described
    step = {"type": "object", "properties": entries, "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "provision playbook",
        "type": "array",
        "items": {"anyOf": [_play(step), _import()]},
        "$defs": definitions,
    }


def _play(step: dict[str, Any]) -> dict[str, Any]:
    words = {"type": "array", "items": {"type": "string"}}
    properties = {
        "play": {"type": "string"},
        "hosts": {"type": "string"},
        "enabled": {"type": ["boolean", "string"]},
        "become": {"type": "boolean"},
        "after": words,
        "batch": {"type": ["integer", "string"]},
        "vars": {"type": "object"},
        "tags": words,
        "steps": {"type": "array", "items": step},
    }
    required = ["play", "hosts", "steps"]
    return _closed(properties, required)


def _import() -> dict[str, Any]:
    return _closed({"import": {"type": "string"}}, ["import"])


def _closed(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
