"""Pydantic's findings about parameters, as messages for the author of the playbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from provision.config.yaml_source import Where, did_you_mean, shortened, shown

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
QUOTE = "YAML reads yes, no, on, off, true and false as truth values: quote it"
"""Hint for a truth value that was not meant as one."""
CANNOT_BE_TRUE = {"string_type", "literal_error"}
"""Kinds of problems of a value that cannot be a truth value."""
OUTSIDE = object()
"""Stands for a part of a way that is not in the data."""
LONGEST = 300
"""Characters of a problem that are shown."""


def problems(
    error: ValidationError, model: type[BaseModel], data: object
) -> Iterator[Problem]:
    """Yield each problem in *error*, that arose in making a *model* of *data*.

    One for each value: of a value that may have several forms, the most specific one.
    """
    found: dict[Where, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        found.setdefault(_way(details, data), []).append(details)
    for where, several in found.items():
        inner = any(where == way[: len(where)] for way in found if way != where)
        best = [details for details in several if not _of_type(details)]
        if best or not inner:
            details = (best or several)[0]
            yield where, _problem(details), _hint(details, where, model)


def _way(details: ErrorDetails, data: object) -> Where:
    """The way to the value in *data*, without pydantic's names for its forms."""
    way: list[str | int] = []
    for part in details["loc"]:
        if (inner := _inside(data, part)) is not OUTSIDE:
            data = inner
        elif details["type"] != "missing" or part != details["loc"][-1]:
            continue
        way.append(part)
    return tuple(way)


def _inside(data: object, part: str | int) -> object:
    """Return the value at *part* of *data*; OUTSIDE: it has none."""
    if isinstance(data, Mapping):
        return data.get(part, OUTSIDE)
    if isinstance(data, list | tuple) and isinstance(part, int):
        return data[part] if part < len(data) else OUTSIDE
    return OUTSIDE


def _of_type(details: ErrorDetails) -> bool:
    return details["type"].endswith("_type")


def _hint(details: ErrorDetails, where: Where, model: type[BaseModel]) -> str:
    if details["type"] == "extra_forbidden":
        owner = _model_at(model, where[:-1])
        return did_you_mean(str(where[-1]), owner.model_fields if owner else ())
    if details["type"] == "missing":
        return "it has no default"
    truth = isinstance(details["input"], bool)
    return QUOTE if truth and details["type"] in CANNOT_BE_TRUE else ""


def _problem(details: ErrorDetails) -> str:
    if words := WORDS.get(details["type"]):
        return words.format(got=shown(details["input"]))
    text = details["msg"].removeprefix("Value error, ")
    return shortened(text[:1].lower() + text[1:], LONGEST)


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
