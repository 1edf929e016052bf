"""The rule of lanes: plays that run side by side on a host are about different things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provision.config.playbook.play import BoundPlay
from provision.errors import InputError, PlaybookError
from provision.model.step import BoundStep, Thing


def problems(plays: Iterable[BoundPlay]) -> Iterator[InputError]:
    """Yield an error for each thing that two lanes of a host describe, once for all hosts."""
    found: dict[tuple[str, Thing], tuple[str, BoundStep]] = {}
    told: set[Thing] = set()
    for play in plays:
        for host, steps in play.steps.items():
            for step in steps:
                for thing in step.step.describes():
                    lane, first = found.setdefault((host, thing), (play.lane, step))
                    if thing in told or lane == play.lane or _agree(step, first):
                        continue
                    told.add(thing)
                    yield _shared(step, play.lane, first, lane)


def _agree(one: BoundStep, other: BoundStep) -> bool:
    """Return whether both want the same, such as a package that both need."""
    return one.step.agrees and one.step.kind == other.step.kind


def _shared(step: BoundStep, lane: str, first: BoundStep, other: str) -> InputError:
    described = f"{first.label!r} ({first.where}) is about the same"
    return PlaybookError(
        f"{step.label!r} is in the lane {lane!r}, but {described}, and in the lane {other!r}",
        hint="they would run at the same time: put both plays into one lane",
        file=step.where,
    )
