"""Batches: which changes of a lane go in one script, and what their replies mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provision.engine.host.batch_script import Guard, Part
from provision.engine.host.connection import HostStep
from provision.engine.host.lane import Lane
from provision.errors import HostError
from provision.model.change import Change, State
from provision.model.shell import Sh
from provision.model.step import Step

MOST = 32
"""Most changes in one script."""
MOST_BYTES = 2**20
"""A batch ends with the change that makes its script longer than that."""
PAUSE_S = 5.0
"""A question about the time that comes so much later than the last was held up: the host
sent nothing, or the controller slept. Steps are not charged for that time."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One step, and what it changes.

    Attributes:
        step: the step.
        observed: the state that its changes were planned from.
        changes: what has to change.
        diff: of the text that is replaced.
        unchanged: the steps since the change before, of which nothing differs, each with
            its state.
    """

    step: HostStep
    observed: State
    changes: tuple[Change, ...]
    diff: tuple[str, ...] = ()
    unchanged: tuple[tuple[HostStep, State], ...] = ()

    @property
    def shell(self) -> Sh:
        """The shell that makes the changes."""
        return self.step.bound.step.apply(self.changes)


def plan_batch(
    lane: Lane, first: PlannedChange, rest: Sequence[HostStep], most: int
) -> list[PlannedChange]:
    """Return *first* and the changes that can follow it in the same script.

    A change can follow if its host can tell by itself that the one before has worked, and
    if its own step, and all steps between, can be compared with what is known of them.

    Args:
        lane: the lane.
        first: the change that is made whatever else is.
        rest: the steps of the play after it.
        most: most changes.
    """
    found = [first]
    size = len(first.shell.render())
    unchanged: list[tuple[HostStep, State]] = []
    for step in rest:
        if len(found) == most or size > MOST_BYTES or not _can_be_followed(found[-1]):
            break
        if not lane.session.can_guard(step) or step.become != first.step.become:
            break
        try:
            observed, changes = lane.difference(step)
        except HostError:
            break
        if not changes:
            unchanged.append((step, observed))
        elif step.bound.step.checks_only or has_stages(step.bound.step, changes):
            break
        else:
            diff = lane.text_diff(step, observed, changes)
            planned = PlannedChange(step, observed, changes, diff, tuple(unchanged))
            size += len(planned.shell.render())
            found.append(planned)
            unchanged = []
    return found


def has_stages(kind: Step, changes: Sequence[Change]) -> bool:
    """Return whether *kind* has to send something before its change."""
    return any(True for _ in kind.stages(changes))


def _can_be_followed(change: PlannedChange) -> bool:
    kind = change.step.bound.step
    return kind.settled() is not None and not kind.settle_s


def parts_of(lane: Lane, batch: Sequence[PlannedChange]) -> list[Part]:
    """Return *batch* as the parts of a script."""
    last = batch[-1]
    parts = []
    for change in batch:
        kind = change.step.bound.step
        guarded = [*(step for step, _ in change.unchanged), change.step]
        guards = [
            Guard(step.bound.step.probe(), lane.session.probe(step)) for step in guarded
        ]
        notes = lane.notes(change.step.bound, change.changes) if lane.notes else ()
        parts.append(
            Part(
                guards=() if change is batch[0] else tuple(guards),
                notes=tuple(notes),
                change=change.shell,
                probe=kind.probe(),
                settled=None if change is last else kind.settled(),
            )
        )
    return parts


class TimeLimit:
    """The time that the step which runs now may take.

    Args:
        clock: returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked = self._until = clock()

    def start(self, limit_s: float) -> None:
        """Begin a step that may take *limit_s* seconds."""
        self._asked = self._clock()
        self._until = self._asked + limit_s

    def over(self) -> bool:
        """Return True if the step has had its time; asked about once a second."""
        now = self._clock()
        if now - self._asked > PAUSE_S:
            self._until += now - self._asked
        self._asked = now
        return now > self._until
