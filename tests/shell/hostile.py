"""Every text parameter of every kind of step, and values that would like to be code."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from shells import CASES

from provision.config.registry import step_class
from provision.errors import ProvisionError
from provision.model.shell import Sh
from provision.model.step import Step

CANARY = "canary"
BYTES = 100_000
ITEM, VALUE, KEY = "[]", "{}", "{key}"
Where = tuple[str, ...]

PIECES = (
    *"'\"\\`$;&|<>(){}[]*?!#~=%^,:@/-+.aZ0 \t\r\n",
    f"$(touch {CANARY})",
    f"`touch {CANARY}`",
    f"; touch {CANARY};",
    f"\ntouch {CANARY}\n",
    f"' ; touch {CANARY} ; '",
    f'" && touch {CANARY} && "',
    f"| tee {CANARY}",
    f"> {CANARY}",
    f"$(({CANARY}=1))",
    "${IFS}",
    "$x",
    "-rf",
    "--",
    "-e",
    "%s%n",
    "\\0",
    "\\n",
    "é",
    "日本",
    "\u202e",
    "\U0001f512",
    "\x1b[31m",
    "\x7f",
    "EOF\n",
    "{{ x }}",
    "key=value\n",
    "@mark 0\n",
)
ENDS = ("", "-", "--", "'", "\\", "\n", " ", "$", "`", f"$(touch {CANARY})")
HOSTILE = st.builds(
    lambda start, pieces, end: start + "".join(pieces) + end,
    st.sampled_from(ENDS),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=12),
    st.sampled_from(ENDS),
)
"""Texts made of what shells, options, formats, frames and terminals give a meaning to."""
LONG = (PIECES[-1] + f"'\"$(touch {CANARY})`touch {CANARY}`\\ é").ljust(64, "x")
LONG = LONG * (BYTES // len(LONG.encode()) + 1)
"""Hostile text of 100 kB."""


@functools.cache
def places(kind: str) -> list[tuple[Where, Mapping[str, Any]]]:
    """Return the places where the parameters of *kind* have text, with the rules for it."""
    schema = step_class(kind).model_json_schema()
    found = dict[Where, Mapping[str, Any]]()
    for where, about in _texts(schema, schema.get("$defs", {}), ()):
        found.setdefault(where, about)
    return list(found.items())


def _texts(
    schema: Any, defs: Mapping[str, Any], at: Where
) -> Iterator[tuple[Where, Mapping[str, Any]]]:
    if "$ref" in schema:
        schema = defs[schema["$ref"].rpartition("/")[2]]
    for key in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(key, ()):
            yield from _texts(part, defs, at)
    if schema.get("type") == "string":
        yield (*at, "!") if schema.get("writeOnly") else at, schema
    if "items" in schema:
        yield from _texts(schema["items"], defs, (*at, ITEM))
    for name, part in schema.get("properties", {}).items():
        yield from _texts(part, defs, (*at, name))
    yield from _of_mapping(schema, defs, at)


def _of_mapping(
    schema: Any, defs: Mapping[str, Any], at: Where
) -> Iterator[tuple[Where, Mapping[str, Any]]]:
    """Those of names and values that a person chooses."""
    names = schema.get("propertyNames", {})
    parts = [
        (one, {"pattern": p}) for p, one in schema.get("patternProperties", {}).items()
    ]
    if (rest := schema.get("additionalProperties", False)) is not False:
        parts.append((rest, names))
    for part, about in parts:
        yield (*at, KEY), about
        text = {"type": "string"} if part is True else part
        yield from _texts(text, defs, (*at, VALUE))


@functools.cache
def bases(kind: str) -> list[dict[str, Any]]:
    """The parameters of the golden cases of *kind*."""
    files = sorted((CASES / kind).glob("*.yml"))
    return [yaml.safe_load(file.read_text())["params"] for file in files]


def accepted(kind: str, where: Where, text: str) -> Step | None:
    """A step of *kind* with *text* at *where*; None: it is refused there."""
    for base in bases(kind):
        for fitted in _fitted(text):
            with contextlib.suppress(ValidationError, ProvisionError):
                step = step_class(kind)(**_put(base, where, fitted))
                list(scripts(step))  # one made of other steps may refuse only now
                return step
    return None


def _fitted(text: str) -> Iterator[str]:
    """*text*, and what is left of it where a path or one line is wanted."""
    line = " ".join(text.splitlines())
    for body in dict.fromkeys([text, line]):
        yield body
        yield f"/d/e/{body}"
        yield f"/d/{body.replace(':', '')}:/e"
        yield f"http://{body}"
        yield f"/d/{body}/opt"
        yield f"--no-such-flag={body}"


def _put(data: Any, where: Where, text: str) -> Any:
    if not where:
        return text
    here, rest = where[0], where[1:]
    if here == "!":
        return SecretStr(text)
    if here == ITEM:
        old = data[0] if isinstance(data, list | tuple) and data else None
        return [_put(old, rest, text)]
    known = dict(data) if isinstance(data, Mapping) else {}
    if here == KEY:
        return {text: next(iter(known.values()), "1")}
    key = next(iter(known), "KEY") if here == VALUE else here
    return {**known, key: _put(known.get(key), rest, text)}


def scripts(step: Step) -> Iterator[Sh]:
    """All shell of a step: its probe, its evidence, and its changes from nothing."""
    yield step.probe()
    if evidence := step.evidence():
        yield evidence
    yield step.apply(step.plan({}))
    state = step.desired()
    for left_out in state:
        rest = {key: value for key, value in state.items() if key != left_out}
        with contextlib.suppress(ProvisionError):
            yield step.apply(step.plan(rest))
