"""Takes known secret values out of anything on its way to a person or a file."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable, Collection
from typing import Any

from provision.errors import HostError, ProvisionError
from provision.model.events import Event

MASK = "(secret)"
KEY = re.compile("[A-Za-z0-9+/=]{40}")
"""Beginning of a line of a private key, or of a long random secret."""
SHORTEST = 4
"""Shorter values would mask half of every line; they are no secrets worth the name."""


def redactor(values: Collection[str]) -> Callable[[Event], Event]:
    """A function that gives an event back with every one of *values* masked."""
    pattern = _pattern(values)
    if not pattern:
        return lambda event: event

    def redact(event: Event) -> Event:
        cleaned: Event = _clean(event, pattern)
        return cleaned

    return redact


def masker(values: Collection[str]) -> Callable[[str], str]:
    """A function that gives a text back with every one of *values* masked."""
    pattern = _pattern(values)
    return lambda text: pattern.sub(MASK, text) if pattern else text


def _pattern(values: Collection[str]) -> re.Pattern[str] | None:
    # Of a secret with several lines, output has one at a time.
    parts = {part for value in values for part in (value, *value.splitlines())}
    words = sorted({p for p in parts if len(p) >= SHORTEST}, key=len, reverse=True)
    if not words:
        return None
    # Keys are many: where no long word begins, not one of them is looked for.
    keys = "|".join(re.escape(word) for word in words if KEY.match(word))
    rest = "|".join(re.escape(word) for word in words if not KEY.match(word))
    keys = keys and f"(?={KEY.pattern})(?:{keys})"
    return re.compile("|".join(filter(None, [keys, rest])))


def _clean(thing: Any, pattern: re.Pattern[str]) -> Any:
    match thing:
        case str():
            return pattern.sub(MASK, thing)
        case ProvisionError():
            return _clean_error(thing, pattern)
        case tuple():
            return tuple(_clean(item, pattern) for item in thing)
        case dict():
            return {key: _clean(item, pattern) for key, item in thing.items()}
        case _ if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            names = [field.name for field in dataclasses.fields(thing)]
            values = {name: _clean(getattr(thing, name), pattern) for name in names}
            return dataclasses.replace(thing, **values)
    return thing


def _clean_error(error: ProvisionError, pattern: re.Pattern[str]) -> ProvisionError:
    cleaned = copy.copy(error)
    cleaned.message = _clean(error.message, pattern)
    cleaned.hint = _clean(error.hint, pattern)
    cleaned.args = _clean(error.args, pattern)
    if isinstance(cleaned, HostError):
        cleaned.details = _clean(cleaned.details, pattern)
        cleaned.once = _clean(cleaned.once, pattern)
    return cleaned
