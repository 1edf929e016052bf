"""Takes known secret values out of anything on its way to a person or a file."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable, Collection
from typing import Any

from provision.errors import HostError, ProvisionError
from provision.events import Event

MASK = "(secret)"
SHORTEST = 4
"""Shorter values would mask half of every line; they are no secrets worth the name."""


def redactor(values: Collection[str]) -> Callable[[Event], Event]:
    """A function that gives an event back with every one of *values* masked."""
    words = sorted({v for v in values if len(v) >= SHORTEST}, key=len, reverse=True)
    if not words:
        return lambda event: event
    pattern = re.compile("|".join(map(re.escape, words)))

    def clean(thing: Any) -> Any:
        if isinstance(thing, str):
            return pattern.sub(MASK, thing)
        if isinstance(thing, ProvisionError):
            return _clean_error(thing, clean)
        if isinstance(thing, tuple):
            return tuple(map(clean, thing))
        if isinstance(thing, dict):
            return {key: clean(value) for key, value in thing.items()}
        if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            fields = dataclasses.fields(thing)
            values = {field.name: clean(getattr(thing, field.name)) for field in fields}
            return dataclasses.replace(thing, **values)
        return thing

    def redact(event: Event) -> Event:
        cleaned: Event = clean(event)
        return cleaned

    return redact


def _clean_error(error: ProvisionError, clean: Callable[[Any], Any]) -> ProvisionError:
    cleaned = copy.copy(error)
    cleaned.message, cleaned.hint = clean(error.message), clean(error.hint)
    cleaned.args = tuple(map(clean, error.args))
    if isinstance(cleaned, HostError):
        cleaned.details = clean(cleaned.details)
    return cleaned
