"""The progress of a batch: what the replies of its script mean, as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provision.engine.host.batch import PlannedChange, TimeLimit, wait_limit_s
from provision.engine.host.connection import HostStep
from provision.engine.host.lane import Lane
from provision.engine.host.outcome import observe, remaining, verify_error
from provision.engine.host.scripts.batch_script import Kind, Part
from provision.engine.host.session import PROBE_LIMIT_S
from provision.model.change import State
from provision.model.events import (
    OutputLine,
    StepApplying,
    StepChanged,
    StepOutdated,
    StepWaiting,
)
from provision.model.shell import Reply


@dataclass(frozen=True, slots=True)
class Told:
    """Functions that are called while a batch runs.

    Attributes:
        begun: with each change that has begun.
        waiting: with the step that is waited for.
        done: with each step that has ended well.
    """

    begun: Callable[[PlannedChange], None]
    waiting: Callable[[HostStep], None]
    done: Callable[[HostStep], None]


class Follower:
    """Follows *batch*, sent as *parts*, by the replies of its fragments.

    Attributes:
        begun: the change that has begun and is not known to have worked.
        reply: of that change.
        changed_at: when it had ended, by the clock that only grows.
        first: the state right after it, where its host waits for it to settle.
        time: how long what runs now may take.
    """

    def __init__(
        self,
        lane: Lane,
        batch: Sequence[PlannedChange],
        parts: Sequence[Part],
        told: Told,
    ) -> None:
        self.begun: PlannedChange | None = None
        self.reply = Reply(exit=None, ended=False)
        self.changed_at = 0.0
        self.first: State = {}
        self.time = TimeLimit()
        self._lane = lane
        self._told = told
        self._started = 0.0
        self._fragments = [
            (fragment.kind, change)
            for change, part in zip(batch, parts, strict=True)
            for fragment in part.fragments
        ]
        self._begin(batch[0])

    def on_line(self, number: int, line: str) -> None:
        """Report a line that a change prints."""
        if number < len(self._fragments):
            kind, change = self._fragments[number]
            if kind is Kind.CHANGE:
                about = self._lane.about(change.step)
                self._lane.emit(OutputLine(**about, line=line))

    def on_reply(self, number: int, reply: Reply) -> None:
        """Take the reply of a fragment, and report what it means.

        Raises:
            VerifyError: the host went on although something differs: `settled` is wrong.
        """
        kind, change = self._fragments[number]
        if kind is Kind.GUARDS:
            self._take_guards(change, reply)
        elif change is not self.begun:
            return  # what is passed over replies as well
        elif kind is Kind.CHANGE:
            self._take_change(change, reply)
        elif kind is Kind.LOOK:
            self._take_look(change, reply)
        elif kind is Kind.WAIT:
            self.time.start(PROBE_LIMIT_S)
        elif kind is Kind.PROOF and reply.exit == 0:
            proven = change.step.bound.step
            if left := proven.plan(observe(proven, reply)):
                raise verify_error(proven, left)
            self.finish()

    def finish(self) -> None:
        """Report that the change that has begun has worked."""
        change = self.begun
        if change is None:
            return
        self.begun = None
        self.time.start(PROBE_LIMIT_S)
        self._lane.clock.tick(self._lane.host, self._lane.name)
        self._lane.emit(
            StepChanged(
                **self._lane.about(change.step),
                changes=change.changes,
                seconds=time.monotonic() - self._started,
                diff=change.diff,
            )
        )
        self._told.done(change.step)

    def _begin(self, change: PlannedChange) -> None:
        self.begun = change
        self._told.begun(change)
        self.reply, self.first = Reply(exit=None, ended=False), {}
        self._started = self.changed_at = time.monotonic()
        self.time.start(change.step.bound.step.timeout_s)
        about = self._lane.about(change.step)
        self._lane.emit(StepApplying(**about, changes=change.changes))

    def _take_guards(self, change: PlannedChange, reply: Reply) -> None:
        if reply.exit == 0:
            *before, _ = change.guarded
            for found in before:
                self._lane.remark(found.step, found.state)
                self._lane.report_ok(found.step, found.state)
                self._told.done(found.step)
            self._lane.remark(change.step, change.observed)
            self._begin(change)
        elif reply.ended:
            outdated = change.guarded[int(reply.stdout)].step
            self._lane.emit(StepOutdated(**self._lane.about(outdated)))

    def _take_change(self, change: PlannedChange, reply: Reply) -> None:
        self.reply = reply
        self.changed_at = time.monotonic()
        if reply.exit == 0:
            wait = change.wait
            self.time.start(wait_limit_s(wait) if wait else PROBE_LIMIT_S)

    def _take_look(self, change: PlannedChange, reply: Reply) -> None:
        self.first, left = remaining(change.step.bound.step, reply)
        if reply.ended and left:
            about = self._lane.about(change.step)
            self._lane.emit(StepWaiting(**about, left=left))
            self._told.waiting(change.step)
