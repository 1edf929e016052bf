"""Changes of a lane's steps: several in one script, each verified before the next begins.

round trips = batches that change something + polls of steps that settle
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

from provision.engine.host.batch import (
    MOST,
    PlannedChange,
    TimeLimit,
    has_stages,
    parts_of,
    plan_batch,
)
from provision.engine.host.batch_script import Part
from provision.engine.host.connection import HostStep
from provision.engine.host.lane import Difference, Lane
from provision.engine.host.outcome import (
    apply_error,
    explain,
    observe,
    poll_intervals,
    put_back,
    verify_error,
)
from provision.errors import ApplyError, HostError, ProbeError, VerifyError
from provision.model.change import Change, State
from provision.model.events import (
    OutputLine,
    StepApplying,
    StepChanged,
    StepOutdated,
    StepWaiting,
)
from provision.model.shell import Reply, Sh


class Changing:
    """Changes the steps of *lane*.

    Args:
        lane: the lane.
        done: called with each step when it has ended well.
        most: most changes in one script; 1 = each in a script of its own.

    Attributes:
        running: whether a change has begun of which the end is not known.
    """

    def __init__(
        self, lane: Lane, done: Callable[[HostStep], None], most: int = MOST
    ) -> None:
        self.running = False
        self._lane = lane
        self._done = done
        self._most = most
        self._before: Difference | None = None

    def converge(self, step: HostStep, rest: Sequence[HostStep]) -> None:
        """Bring *step* to its desired state, and with it what can follow of *rest*.

        Raises:
            HostError: a step could not be; it is the first that is not done.
        """
        lane = self._lane
        observed, changes = lane.difference(step)
        lane.remark(step, observed)
        if not changes:
            self._report_ok(step, observed)
        elif step.bound.step.checks_only:
            self._wait_for(step)
        else:
            diff = lane.text_diff(step, observed, changes)
            first = PlannedChange(step, observed, changes, diff)
            self._change(plan_batch(lane, first, rest, self._most))

    def give_up(self, step: HostStep, error: HostError) -> None:
        """Add to *error* what the host knows of it, and go back where *step* can."""
        self.running = False
        before, self._before = self._before, None
        explain(self._lane.session, step, error)
        if before and not self._lane.stopped.is_set():
            put_back(self._lane.session, step, before, error)

    def _report_ok(self, step: HostStep, observed: State, seconds: float = 0) -> None:
        self._lane.report_ok(step, observed, seconds)
        self._end(step)

    def _begin(self, change: PlannedChange) -> None:
        self.running = True
        # What it was before a lost connection counts, if there was one.
        self._before = self._before or (change.observed, change.changes)

    def _end(self, step: HostStep) -> None:
        self.running, self._before = False, None
        self._done(step)

    def _wait_for(self, step: HostStep) -> None:
        """Wait until what *step* checks is so."""
        started = time.monotonic()
        self._settle(step)
        seconds = time.monotonic() - started
        self._report_ok(step, self._lane.observed(step), seconds)

    def _change(self, batch: Sequence[PlannedChange]) -> None:
        """Make the changes of *batch*, as far as the host finds them as planned."""
        lane, first = self._lane, batch[0].step
        if lane.stopped.is_set():
            raise ApplyError("not started: the run was interrupted")
        lane.before_change()
        parts = parts_of(lane, batch)
        staged = has_stages(first.bound.step, batch[0].changes)
        notes = parts[0].notes
        if staged:
            parts[0] = replace(parts[0], notes=())
        follower = _Follower(lane, batch, parts, self._begin, self._end)
        if staged:
            _send_stages(lane, batch[0], notes)
            follower.time.start(first.bound.step.timeout_s)
        lane.session.change(
            first,
            parts,
            alone=_to_guard_later(lane, first),
            limit_s=sum(change.step.bound.step.timeout_s for change in batch),
            overdue=follower.time.over,
            on_line=follower.on_line,
            on_reply=follower.on_reply,
        )
        if change := follower.begun:
            self.running = False
            if follower.reply.exit != 0:
                limit_s = change.step.bound.step.timeout_s
                raise apply_error(limit_s, follower.reply)
            self._settle(change.step)
            follower.finish()

    def _settle(self, step: HostStep) -> None:
        """Probe until nothing differs, for as long as the step may take to settle.

        Raises:
            VerifyError: a difference is left.
        """
        lane, kind = self._lane, step.bound.step
        pauses, first = poll_intervals(), None
        deadline = time.monotonic() + kind.settle_s
        while True:
            over = time.monotonic() >= deadline
            observed, left = self._remaining(step, last=over)
            if not left:
                return
            first = first or observed
            if over or (why := kind.hopeless(first, observed)):
                raise verify_error(kind, left, "" if over else why)
            lane.emit(StepWaiting(**lane.about(step), left=left))
            if lane.stopped.wait(next(pauses)):
                raise VerifyError("interrupted before it had settled")
            lane.session.forget()

    def _remaining(self, step: HostStep, *, last: bool) -> Difference:
        try:
            return self._lane.difference(step)
        except ProbeError:
            if last:
                raise
            return {}, (Change("state", "unknown", None),)


def _send_stages(lane: Lane, change: PlannedChange, notes: Sequence[Sh]) -> None:
    """Run *notes*, and what comes before *change* in scripts of its own.

    Raises:
        ApplyError: one of them failed.
    """
    step, kind = change.step, change.step.bound.step
    for sh in chain(notes, kind.stages(change.changes)):
        if lane.stopped.is_set():
            raise ApplyError("interrupted before all was sent")
        reply = lane.session.stage(step, sh, limit_s=kind.timeout_s)
        if reply.exit != 0 and sh not in notes:
            raise apply_error(kind.timeout_s, reply)


def _to_guard_later(lane: Lane, first: HostStep) -> set[int]:
    """Return the numbers of the steps after *first* up to the last that differs.

    Their changes may go into later scripts, so each needs a reply of its own.
    """
    ahead = [s for s in lane.session.ahead(first) if s is not first]
    differ = [s.number for s in ahead if lane.session.knows(s) and not _is_ok(lane, s)]
    last = max(differ, default=-1)
    return {step.number for step in ahead if step.number <= last}


def _is_ok(lane: Lane, step: HostStep) -> bool:
    try:
        return not lane.difference(step)[1]
    except HostError:
        return False


class _Follower:
    """Follows a batch by the replies of its fragments, as they come.

    Attributes:
        begun: the change that has begun and is not known to have worked.
        reply: of that change.
        time: how long it may take.
    """

    def __init__(
        self,
        lane: Lane,
        batch: Sequence[PlannedChange],
        parts: Sequence[Part],
        begin: Callable[[PlannedChange], None],
        done: Callable[[HostStep], None],
    ) -> None:
        self.begun: PlannedChange | None = None
        self.reply = Reply(exit=None, ended=False)
        self.time = TimeLimit()
        self._lane = lane
        self._begins = begin
        self._done = done
        self._started = 0.0
        self._fragments: list[tuple[str, PlannedChange]] = []
        for change, part in zip(batch, parts, strict=True):
            kinds = ["guards"] if part.guards else []
            kinds += ["note"] * len(part.notes) + ["change"]
            kinds += ["proof"] if part.settled is not None else []
            self._fragments += [(kind, change) for kind in kinds]
        self._begin(batch[0])

    def on_line(self, number: int, line: str) -> None:
        """Report a line that a change prints."""
        if number < len(self._fragments):
            kind, change = self._fragments[number]
            if kind == "change":
                about = self._lane.about(change.step)
                self._lane.emit(OutputLine(**about, line=line))

    def on_reply(self, number: int, reply: Reply) -> None:
        """Take the reply of a fragment, and report what it means.

        Raises:
            VerifyError: the host went on although something differs: `settled` is wrong.
        """
        kind, change = self._fragments[number]
        if kind == "change":
            if change is self.begun:  # those that are passed over reply as well
                self.reply = reply
        elif kind == "proof" and reply.exit == 0:
            proven = change.step.bound.step
            if left := proven.plan(observe(proven, reply)):
                raise verify_error(proven, left)
            self.finish()
        elif kind == "guards" and reply.exit == 0:
            for step, observed in change.unchanged:
                self._lane.remark(step, observed)
                self._lane.report_ok(step, observed)
                self._done(step)
            self._lane.remark(change.step, change.observed)
            self._begin(change)
        elif kind == "guards" and reply.ended:
            self._lane.emit(StepOutdated(**self._lane.about(change.step)))

    def finish(self) -> None:
        """Report that the change that has begun has worked."""
        change = self.begun
        if change is None:
            return
        self.begun = None
        self._lane.clock.tick(self._lane.host, self._lane.name)
        self._lane.emit(
            StepChanged(
                **self._lane.about(change.step),
                changes=change.changes,
                seconds=time.monotonic() - self._started,
                diff=change.diff,
            )
        )
        self._done(change.step)

    def _begin(self, change: PlannedChange) -> None:
        self.begun = change
        self._begins(change)
        self.reply = Reply(exit=None, ended=False)
        self._started = time.monotonic()
        self.time.start(change.step.bound.step.timeout_s)
        about = self._lane.about(change.step)
        self._lane.emit(StepApplying(**about, changes=change.changes))
