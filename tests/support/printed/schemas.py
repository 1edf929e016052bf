"""The schemas of docs/schemas, and a check of values against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "docs/schemas"
TYPES: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def schema(command: str) -> dict[str, Any]:
    """Return the schema of the JSON that *command* prints."""
    found: dict[str, Any] = json.loads((FOLDER / f"{command}.json").read_text())
    return found


def check(schema: Mapping[str, Any], value: Any, root: Mapping[str, Any]) -> None:
    """See that *value* is as *schema*, of which these pages use only a few words."""
    if name := schema.get("$ref"):
        return check(root["$defs"][name.rpartition("/")[2]], value, root)
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert any(isinstance(value, TYPES[name]) for name in names), (schema, value)
    if isinstance(value, list):
        for one in value:
            check(schema["items"], one, root)
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema["additionalProperties"]
        assert {*schema.get("required", ())} <= value.keys()
        for key, one in value.items():
            assert key in known or others, key
            check(known.get(key, others), one, root)
    return None
