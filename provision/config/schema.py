"""The JSON schema of playbooks, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from provision.config.playbook.group_rules import SIZES
from provision.config.playbook.play import Play
from provision.config.registry import kinds, step_class


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
    play = Play.model_json_schema()
    play["properties"]["steps"]["items"] = _closed(entries, [])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "provision playbook",
        "type": "array",
        "items": {"anyOf": [play, _import(), _groups()]},
        "$defs": definitions,
    }


def _import() -> dict[str, Any]:
    return _closed({"import": {"type": "string"}}, ["import"])


def _groups() -> dict[str, Any]:
    rules = {"type": "object", "additionalProperties": {"enum": list(SIZES)}}
    return _closed({"groups": rules}, ["groups"])


def _closed(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
