"""One difference between observed and desired state, and how it is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

State = Mapping[str, str]
"""Observed or desired state, text by field; empty = the thing is absent."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: *field* is *before* and should be *after*; None = absent."""

    field: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.field}: {_shown(self.before)} -> {_shown(self.after)}"


def _shown(value: str | None) -> str:
    return "(absent)" if value is None else value or '""'


def diff(observed: State, desired: State) -> list[Change]:
    """The fields of *desired* that *observed* has otherwise or not at all."""
    return [
        Change(key, observed.get(key), value)
        for key, value in desired.items()
        if observed.get(key) != value
    ]
