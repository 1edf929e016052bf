"""A fault: how it is injected, the expected outcome, and the check of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

NOTHING = "Nothing."
AGAIN = "Run `invoke deploy` again."


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and the expected outcome.

    Attributes:
        heading: the heading on the page that it belongs to.
        name: completes "What happens when ...".
        injection: how it is caused in the lab.
        outcome: what is expected, in words for a person at 2 a.m.
        todo: what that person has to do.
        estimate_s: seconds it takes.
        cluster: True if it needs a Ray cluster, not one bare host.
        check: injects it, and raises AssertionError for another outcome.
    """

    heading: str
    name: str
    injection: str
    outcome: str
    todo: str
    estimate_s: int
    cluster: bool
    check: Callable[[], None]


class CannotInjectError(Exception):
    """This machine lacks what the fault needs; the text names it."""


FAULTS: list[Fault] = []
"""All faults, in the order of the page; each module adds its own."""


def fault(
    heading: str,
    name: str,
    *,
    injection: str,
    outcome: str,
    todo: str = NOTHING,
    estimate_s: int,
    cluster: bool = False,
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register the decorated check as a fault; see `Fault`."""

    def add(check: Callable[[], None]) -> Callable[[], None]:
        FAULTS.append(
            Fault(heading, name, injection, outcome, todo, estimate_s, cluster, check)
        )
        return check

    return add
