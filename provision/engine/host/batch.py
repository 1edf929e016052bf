"""Batches: which changes of a lane go in one script, and what their replies mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from provision.engine.host.connection import HostStep
from provision.engine.host.foresight import Promises
from provision.engine.host.lane import Lane
from provision.engine.host.outcome import observe
from provision.engine.host.scripts.batch_script import Guard, Part
from provision.engine.host.scripts.proof_script import Wait
from provision.engine.host.session import PROBE_LIMIT_S
from provision.errors import HostError
from provision.model.change import Change, State
from provision.model.shell import Reply, Sh
from provision.model.step import Settled

NOTHING_SEEN = Reply()
"""The reply of a probe that prints nothing, as of a thing that is not there."""
MOST = 32
"""Most changes in one script."""
MOST_BYTES = 2**20
"""A batch ends with the change that makes its script longer than that."""
PAUSE_S = 5.0
"""A question about the time that comes so much later than the last was held up: the host
sent nothing, or the controller slept. Steps are not charged for that time."""


@dataclass(frozen=True, slots=True)
class Found:
    """A step, and how it is when its turn comes.

    Attributes:
        step: the step.
        state: its state.
        like: what its probe then prints, which the host compares.
    """

    step: HostStep
    state: State
    like: Reply | Settled


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One step, and what it changes.

    Attributes:
        step: the step.
        observed: the state that its changes were planned from.
        changes: what has to change.
        diff: of the text that is replaced.
        guarded: the steps since the change before, of which nothing differs, and its own;
            nothing for the first change of a batch.
    """

    step: HostStep
    observed: State
    changes: tuple[Change, ...]
    diff: tuple[str, ...] = ()
    guarded: tuple[Found, ...] = ()

    @property
    def shell(self) -> Sh:
        """The shell that makes the changes."""
        return self.step.bound.step.apply(self.changes)

    @property
    def wait(self) -> Wait | None:
        """The wait of the host for the step to settle; None: the controller asks."""
        kind = self.step.bound.step
        ends = kind.wait_ends()
        return Wait(kind.settle_s, ends) if kind.settle_s and ends else None

    @property
    def limit_s(self) -> float:
        """Seconds that the change, and the wait for it, may take."""
        wait = self.wait
        return self.step.bound.step.timeout_s + (wait_limit_s(wait) if wait else 0)


def wait_limit_s(wait: Wait) -> float:
    """Return the seconds that *wait* may take, with a last probe that is slow."""
    return wait.limit_s + PROBE_LIMIT_S


def plan_batch(
    lane: Lane, first: PlannedChange, rest: Iterable[HostStep], most: int
) -> list[PlannedChange]:
    """Return *first* and the changes that can follow it in the same script.

    A change can follow if its host can tell by itself that the one before has worked, and
    if its own step, and all steps between, can be compared with what is known of them:
    their last replies, or the states that the changes before are foreseen to make.

    Args:
        lane: the lane.
        first: the change that is made whatever else is.
        rest: the steps after it, also those of plays that follow.
        most: most changes.
    """
    batch, promises = [first], Promises()
    promises.add(first.step.bound, first.changes)
    size = len(first.shell.render())
    guarded: list[Found] = []
    for step in rest:
        can_follow = batch[-1].step.bound.step.settled() is not None
        if not can_follow or len(batch) == most or size > MOST_BYTES:
            break
        found = _foresee(lane, promises, step)
        if found is None or step.become != first.step.become:
            break
        guarded.append(found)
        kind = step.bound.step
        try:
            changes = tuple(kind.plan(found.state))
            if changes and (kind.checks_only or kind.upload(changes)):
                break
        except HostError:
            break
        if changes:
            diff = lane.text_diff(step, found.state, changes)
            planned = PlannedChange(step, found.state, changes, diff, tuple(guarded))
            promises.add(step.bound, changes)
            size += len(planned.shell.render())
            batch.append(planned)
            guarded = []
    return batch


def _foresee(lane: Lane, promises: Promises, step: HostStep) -> Found | None:
    """Return how *step* is after the changes before; None: it cannot be compared."""
    if not lane.session.remembers(step):
        return None
    kind = step.bound.step
    try:
        observed = observe(kind, lane.session.remembered(step))
        foreseen = promises.foresee(kind, observed)
    except HostError:
        return None
    if (
        foreseen is not None
        and foreseen != observed
        and (like := kind.printed(foreseen))
    ):
        return Found(step, foreseen, like)
    # Where it is not known what they make of it, the host finds out whether it has changed.
    reply = _as_remembered(lane, step)
    return Found(step, observed, reply) if reply else None


def _as_remembered(lane: Lane, step: HostStep) -> Reply | None:
    """Return what the probe of *step* prints if it is as remembered; None: not known."""
    reply = lane.session.remembered(step)
    if lane.session.is_own(step):
        return reply
    # Given by a probe of many steps; only of a thing that is absent it is known what a probe
    # of it alone prints.
    kind = step.bound.step
    try:
        absent = not observe(kind, reply) and not observe(kind, NOTHING_SEEN)
    except HostError:
        return None
    return NOTHING_SEEN if absent else None


def next_to_change(lane: Lane, last: HostStep) -> tuple[HostStep, Guard] | None:
    """Return the next step after *last* that differs as remembered, and a guard of that.

    Returns:
        None if there is none, or the host cannot tell whether it is so still.
    """
    for step in lane.session.ahead(last):
        if step is last or not lane.session.remembers(step):
            continue
        if differs(lane, step):
            like = _as_remembered(lane, step)
            return (step, Guard(step.bound.step.probe(), like)) if like else None
    return None


def differs(lane: Lane, step: HostStep) -> bool:
    """Return whether something of *step* differs as remembered, or cannot be told."""
    kind = step.bound.step
    try:
        return bool(list(kind.plan(observe(kind, lane.session.remembered(step)))))
    except HostError:
        return True


def parts_of(lane: Lane, batch: Sequence[PlannedChange]) -> list[Part]:
    """Return *batch* as the parts of a script."""
    last = batch[-1]
    parts = []
    for change in batch:
        kind = change.step.bound.step
        notes = lane.notes(change.step.bound, change.changes) if lane.notes else ()
        parts.append(
            Part(
                guards=tuple(
                    Guard(found.step.bound.step.probe(), found.like)
                    for found in change.guarded
                ),
                notes=tuple(notes),
                change=change.shell,
                probe=kind.probe(),
                settled=None if change is last else kind.settled(),
                wait=change.wait,
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
