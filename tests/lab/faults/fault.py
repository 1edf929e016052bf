"""What a fault is: what happens, what should come of it, and the check that it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

NOTHING = "Nothing."
AGAIN = "Run `invoke deploy` again."


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and what should come of it.

    Attributes:
        part: the heading it stands under.
        name: goes on after "What happens when ...".
        done: how it is brought about in the lab.
        outcome: what is expected, for a person at 2 a.m.
        todo: what that person has to do.
        about_s: seconds it takes.
        cluster: whether it is done to a Ray cluster, not to one bare host.
        check: does it, and fails where the outcome is another.
    """

    part: str
    name: str
    done: str
    outcome: str
    todo: str
    about_s: int
    cluster: bool
    check: Callable[[], None]


class CannotBeDoneError(Exception):
    """This machine lacks what the fault needs; says what."""


FAULTS: list[Fault] = []
"""Every fault, in the order of the page; each module adds its own."""


def fault(
    part: str,
    name: str,
    *,
    done: str,
    outcome: str,
    todo: str = NOTHING,
    about_s: int,
    cluster: bool = False,
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Make a fault of the decorated check; see `Fault`."""

    def add(check: Callable[[], None]) -> Callable[[], None]:
        FAULTS.append(Fault(part, name, done, outcome, todo, about_s, cluster, check))
        return check

    return add
