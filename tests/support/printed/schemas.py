"""The schemas of docs/schemas, and a check of values against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "docs/schemas"
TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def check(command: str, value: Any) -> None:
    """See that *value* is as the schema of the JSON that *command* prints says."""
    page = json.loads((FOLDER / f"{command}.json").read_text())
    _check(page, value, page)


def _check(schema: Mapping[str, Any], value: Any, root: Mapping[str, Any]) -> None:
    # These pages use only a few words of the language.
    if name := schema.get("$ref"):
        return _check(root["$defs"][name.rpartition("/")[2]], value, root)
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    # Exactly: true is no integer.
    assert any(type(value) in TYPES[name] for name in names), (schema, value)
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
