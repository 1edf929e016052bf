"""A check of values against the schemas in docs/schemas, of which few words are used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parents[2] / "docs/schemas"
TYPES: Mapping[str, type | None] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "null": type(None),
}


def check(name: str, value: Any) -> None:
    """See that *value* is as docs/schemas/NAME.json says."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    _check(schema, value, schema)


def _check(schema: Mapping[str, Any], value: Any, root: Mapping[str, Any]) -> None:
    if name := schema.get("$ref"):
        return _check(root["$defs"][name.rpartition("/")[2]], value, root)
    types = schema["type"]
    names = types if isinstance(types, list) else [types]
    assert type(value) in [TYPES[name] for name in names], (schema, value)
    if isinstance(value, list):
        for one in value:
            _check(schema["items"], one, root)
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema["additionalProperties"]
        assert {*schema.get("required", ())} <= value.keys()
        for key, one in value.items():
            assert key in known or others, key
            _check(known.get(key, others), one, root)
    return None
