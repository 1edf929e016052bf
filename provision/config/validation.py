"""Pydantic's findings about parameters, as messages for the author of the playbook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from provision.config.yaml_source import Where, did_you_mean

Problem = tuple[Where, str, str]
"""Path in the parameters, the problem, and the hint."""

WORDS = {
    "missing": "is missing",
    "extra_forbidden": "unknown parameter",
    "string_type": "must be text, not {got}",
    "int_type": "must be a whole number, not {got}",
    "int_parsing": "must be a whole number, not {got}",
    "int_from_float": "must be a whole number, not {got}",
    "float_type": "must be a number, not {got}",
    "float_parsing": "must be a number, not {got}",
    "bool_type": "must be true or false, not {got}",
    "bool_parsing": "must be true or false, not {got}",
    "tuple_type": "must be a list, not {got}",
    "list_type": "must be a list, not {got}",
    "mapping_type": "must be a mapping (key: value), not {got}",
    "dict_type": "must be a mapping (key: value), not {got}",
    "model_type": "must be a mapping (key: value), not {got}",
    "string_pattern_mismatch": "{got} has a character that is not allowed here",
}
SHOWN = 60


def problems(error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    """Each problem in *error*, that arose in making a *model*."""
    for found in error.errors(include_url=False):
        where = tuple(found["loc"])
        hint = ""
        if found["type"] == "extra_forbidden":
            owner = _model_at(model, where[:-1])
            hint = did_you_mean(str(where[-1]), owner.model_fields if owner else ())
        if found["type"] == "missing":
            hint = "it has no default"
        yield where, _problem(found["type"], found["msg"], found["input"]), hint


def _problem(kind: str, message: str, got: Any) -> str:
    if kind in WORDS:
        return WORDS[kind].format(got=_short(got))
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _short(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _model_at(model: type[BaseModel], where: Where) -> type[BaseModel] | None:
    """The model of the value at *where* in *model*, as far as its fields tell."""
    for part in where:
        field = model.model_fields.get(str(part))
        candidates = (field.annotation, *get_args(field.annotation)) if field else ()
        models = [c for c in candidates if isinstance(c, type) and _is_model(c)]
        if not models:
            return None
        model = models[0]
    return model


def _is_model(candidate: type) -> bool:
    return issubclass(candidate, BaseModel)
