"""A value is what was written: text that YAML takes for something else stays, or is refused.

The law, for each text parameter of each kind of step: `name: SCALAR` makes the step that
`name: "SCALAR"` makes, or it is refused; `null` is as if it was not there.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from provision.config.inventory.formats.yaml_file import entries
from provision.config.registry import kinds, step_class
from provision.config.templating import Scope
from provision.config.validation import problems
from provision.config.yaml_source import parse
from provision.errors import InputError, InventoryError, RenderError
from provision.model.step import Step
from provision.steps.system.reachable import Reachable

CASES = Path(__file__).parents[2] / "cases"
ODD = [
    *("750", "0644", "0755", "0123", "010", "-1", "+7", "1_000", "0x1F", "0b11", "0"),
    *(
        "12:30",
        "12:30:00",
        "190:20:30.15",
        "1.10",
        "2.60",
        "1e3",
        "1.0e+3",
        ".5",
        "-.inf",
    ),
    *(".nan", "2026-01-01", "2026-01-01 10:00:00", "2001-12-14t21:59:43.10-05:00"),
    *(
        "2026-13-45",
        "no",
        "No",
        "yes",
        "on",
        "off",
        "true",
        "FALSE",
        "y",
        "n",
        "=",
        "<<",
    ),
    *("0b_", "0x_", "007", "1.2.3", "00", "0o17"),
]
SCALARS = st.one_of(
    st.sampled_from(ODD),
    st.from_regex(r"[-+]?0[0-7_]{1,6}", fullmatch=True),
    st.from_regex(r"[-+]?0[bx][0-9a-f_]{1,6}", fullmatch=True),
    st.from_regex(r"[-+]?[1-9][0-9_]{0,6}(\.[0-9_]{0,4}([eE][-+][0-9]+)?)?", fullmatch=True),
    st.from_regex(r"[-+]?[1-9][0-9]{0,2}(:[0-5]?[0-9]){1,3}", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]([ t][0-9]{2}:[0-9]{2}:[0-9]{2})?", fullmatch=True),
)  # fmt: skip
REFUSED = object()
NULLS = ["null", "~", "Null", ""]
PLACES: Mapping[str, Any] = {
    "text": lambda value: value,
    "list": lambda value: [value],
    "map": lambda value: {"NAME": value},
}


def _forms(schema: Mapping[str, Any]) -> Iterator[str]:
    """Return the places where a parameter with *schema* takes text: itself, a list, a mapping.

    One that takes a truth value as well takes only certain words for itself.
    """
    forms = (schema, *schema.get("anyOf", ()))
    takes_bool = any(form.get("type") == "boolean" for form in forms)
    for form in forms:
        inner = form.get("items", {}), form.get("additionalProperties", {})
        for place, found in zip(PLACES, (form, *inner), strict=True):
            only_words = takes_bool and found is form
            if isinstance(found, Mapping) and found.get("type") == "string":
                yield from () if only_words else (place,)


def _text_parameters() -> Iterator[tuple[str, str, str]]:
    for kind in kinds():
        if (CASES / kind).is_dir():
            properties = step_class(kind).model_json_schema()["properties"]
            for name, schema in properties.items():
                yield from ((kind, name, form) for form in _forms(schema))


TEXTS = list(_text_parameters())


@functools.cache
def parameters(kind: str) -> dict[str, Any]:
    """The parameters of a golden case of *kind*."""
    for path in sorted((CASES / kind).glob("*.yml")):
        found = yaml.safe_load(path.read_text())["params"]
        return dict(found)
    return {}


def read(scalar: str) -> Any:
    """The value of *scalar*; REFUSED: it has none, and the error says what to do."""
    try:
        return parse(f"- {scalar}\n", InputError, file="x.yml").data[0]
    except InputError as error:
        if "quote it" in error.hint:
            return REFUSED
        raise


def made(kind: str, name: str, value: Any) -> Step | None:
    params = {**copy.deepcopy(parameters(kind)), name: value}
    try:
        return step_class(kind)(**params)
    except ValidationError as error:
        found = list(problems(error, step_class(kind), params))
        assert len({where for where, _, _ in found}) == len(found), "one for each fault"
        assert all("[" not in str(part) for where, _, _ in found for part in where)
        assert all("lax-or" not in problem for _, problem, _ in found)
        return None


def holds(kind: str, name: str, form: str, scalar: str) -> bool:
    """Return True if the law holds for *scalar* as a parameter."""
    value = read(scalar)
    if value is REFUSED:
        return True
    place = PLACES[form]
    unquoted, quoted = made(kind, name, place(value)), made(kind, name, place(scalar))
    return unquoted == (None if isinstance(value, bool) else quoted)


@pytest.mark.parametrize("scalar", ODD)
def test_text_is_as_written_or_refused(scalar: str) -> None:
    assert [text for text in TEXTS if not holds(*text, scalar)] == []


@given(text=st.sampled_from(TEXTS), scalar=SCALARS)
@settings(max_examples=500, deadline=None)
def test_generated_text_is_as_written_or_refused(
    text: tuple[str, str, str], scalar: str
) -> None:
    assert holds(*text, scalar)


def test_the_law_is_about_many_parameters() -> None:
    assert len(TEXTS) > 60
    assert {form for _, _, form in TEXTS} == set(PLACES)


@pytest.mark.parametrize("kind", [kind for kind in kinds() if (CASES / kind).is_dir()])
@pytest.mark.parametrize("null", NULLS)
def test_null_is_as_if_it_was_not_given(kind: str, null: str) -> None:
    known = parameters(kind)
    for name in step_class(kind).model_fields:
        rest = {key: value for key, value in known.items() if key != name}
        try:
            without = step_class(kind)(**rest)
        except ValidationError:
            with pytest.raises(ValidationError):
                step_class(kind)(**{**rest, name: read(null)})
        else:
            assert step_class(kind)(**{**rest, name: read(null)}) == without


@given(scalar=SCALARS)
def test_a_variable_inside_text_is_as_written_or_refused(scalar: str) -> None:
    scope = Scope({"it": read(scalar)})
    if isinstance(read(scalar), bool):
        with pytest.raises(RenderError, match="quote it"):
            scope.render("a{{ it }}b")
    elif read(scalar) is not REFUSED:
        assert scope.render("a{{ it }}b") == f"a{scalar}b"


def test_null_inside_text_is_refused() -> None:
    with pytest.raises(RenderError, match="null cannot be a part of text"):
        Scope({"it": None}).render("a{{ it }}b")


@given(scalar=SCALARS.filter(lambda text: text != "<<"))  # merges, and only mappings
def test_a_key_is_as_written(scalar: str) -> None:
    assert parse(f"{scalar}: x\n", InputError, file="x.yml").data == {scalar: "x"}


@pytest.mark.parametrize(
    ("scalar", "number"), [("0x1F", 31), ("010", 8), ("1_000", 1000), ("1.50", 1.5)]
)
def test_a_number_is_still_one_where_a_number_is_wanted(
    scalar: str, number: float
) -> None:
    value = read(scalar)
    assert value == number
    assert value + 1 == number + 1
    copied = copy.deepcopy(value)
    assert (copied, str(copied)) == (number, scalar)
    step = Reachable(host="h", port=80, timeout_s=value)
    assert type(step.timeout_s) is float


@pytest.mark.parametrize("word", ["no", "Off", "~", "null", "true"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("all:\n  hosts:\n    a:\n    {}:\n", 4),
        ("all:\n  children:\n    a:\n    {}: {{hosts: b}}\n", 4),
        ("all:\n  vars:\n    a: 1\n    {}: 2\n", 4),
        ("{}:\n  hosts: a\n", 1),
    ],
)
def test_a_key_is_refused_as_it_was_written(word: str, text: str, line: int) -> None:
    source = parse(text.format(word), InventoryError, file="x.yml", typed_keys=True)
    (error,) = [one for one in entries(source) if isinstance(one, InputError)]
    assert error.line == line
    assert f"{word}" in error.path.split(".")
    assert f'quote it: "{word}"' in str(error) + error.hint
