"""Changes of a lane's steps: several in one script, each verified before the next begins.

round trips = batches that change something + waits for checks
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from provision.engine.host.batch import (
    MOST,
    PlannedChange,
    TimeLimit,
    differs,
    next_to_change,
    parts_of,
    plan_batch,
    wait_limit_s,
)
from provision.engine.host.connection import HostStep
from provision.engine.host.follower import Follower, Told
from provision.engine.host.lane import Difference, Lane
from provision.engine.host.outcome import (
    apply_error,
    explain,
    poll_intervals,
    put_back,
    remaining,
    verify_error,
)
from provision.engine.host.scripts.batch_script import Part
from provision.engine.host.scripts.proof_script import Wait
from provision.errors import ApplyError, HostError, ProbeError, VerifyError
from provision.model.change import State
from provision.model.events import StepWaiting
from provision.model.shell import Reply, Sh
from provision.model.step import Upload

NEXT_RUN = "the next run probes the host again, and goes on from what it finds"


class Changing:
    """Changes the steps of *lane*.

    Args:
        lane: the lane.
        done: called with each step when it has ended well.
        most: most changes in one script; 1 = each in a script of its own.
    """

    def __init__(
        self, lane: Lane, done: Callable[[HostStep], None], most: int = MOST
    ) -> None:
        self._lane = lane
        self._done = done
        self._most = most
        self._before: Difference | None = None
        self._runs = self._waits = False
        self._told = Told(self._begin, self._begin_wait, self._end)

    def converge(self, step: HostStep, rest: Iterable[HostStep]) -> None:
        """Bring *step* to its desired state, and with it what can follow of *rest*.

        Raises:
            HostError: a step could not be; it is the first that is not done.
        """
        lane, kind = self._lane, step.bound.step
        if kind.checks_only and kind.wait_ends() and lane.session.is_forgotten(step):
            # It is to be asked anyhow, so it is waited for in the same script.
            self._wait_for(step, asked=False)
            return
        observed, changes = lane.difference(step)
        lane.remark(step, observed)
        if not changes:
            self._report_ok(step, observed)
        elif kind.checks_only:
            self._wait_for(step, asked=True)
        else:
            diff = lane.text_diff(step, observed, changes)
            first = PlannedChange(step, observed, changes, diff)
            self._change(plan_batch(lane, first, rest, self._most))

    def give_up(self, step: HostStep, error: HostError) -> None:
        """Add to *error* what the host knows of it, and go back where *step* can."""
        self.lose_track()
        before, self._before = self._before, None
        explain(self._lane.session, step, error)
        if before and not self._lane.stopped.is_set():
            put_back(self._lane.session, step, before, error)

    def lose_track(self) -> None:
        """Note that it is not known any more how far the script came that was sent last."""
        self._runs = self._waits = False

    def cut_off(self) -> HostError | None:
        """Return the error of what the end of the run has cut off; None: nothing ran."""
        if self._waits:
            return VerifyError("interrupted before it had settled", hint=NEXT_RUN)
        if self._runs:
            return ApplyError("cut off by the end of the run", hint=NEXT_RUN)
        return None

    def _report_ok(self, step: HostStep, observed: State, seconds: float = 0) -> None:
        self._lane.report_ok(step, observed, seconds)
        self._end(step)

    def _begin(self, change: PlannedChange) -> None:
        self._runs, self._waits = True, False
        # What it was before a lost connection counts, if there was one.
        self._before = self._before or (change.observed, change.changes)

    def _begin_wait(self, step: HostStep) -> None:
        self._waits = True

    def _end(self, step: HostStep) -> None:
        self.lose_track()
        self._before = None
        self._done(step)

    def _wait_for(self, step: HostStep, *, asked: bool) -> None:
        """Wait until what *step* checks is so; *asked*: its state is known."""
        lane, settle_s = self._lane, step.bound.step.settle_s
        started = time.monotonic()
        if not asked:
            self._wait(step, settle_s)
        self._settle(step, started + settle_s)
        observed = lane.observed(step)
        if not asked:
            lane.remark(step, observed)
        self._report_ok(step, observed, time.monotonic() - started)

    def _change(self, batch: Sequence[PlannedChange]) -> None:
        """Make the changes of *batch*, as far as the host finds them as planned."""
        lane, first = self._lane, batch[0].step
        if lane.stopped.is_set():
            raise ApplyError("not started: the run was interrupted")
        lane.before_change()
        parts = parts_of(lane, batch)
        upload, notes = first.bound.step.upload(batch[0].changes), parts[0].notes
        if upload:
            parts[0] = replace(parts[0], notes=())
        follower = Follower(lane, batch, parts, self._told)
        if upload:
            _send(lane, first, notes, upload)
            lane.before_change()  # it may have taken long enough to lose the lock
            follower.time.start(first.bound.step.timeout_s)
        lane.session.run_batch(
            first,
            parts,
            alone=_to_guard_later(lane, first),
            upto=next_to_change(lane, batch[-1].step) if self._most > 1 else None,
            limit_s=sum(change.limit_s for change in batch),
            overdue=follower.time.over,
            on_line=follower.on_line,
            on_reply=follower.on_reply,
        )
        if change := follower.begun:
            self.lose_track()
            kind = change.step.bound.step
            if follower.reply.exit != 0:
                raise apply_error(kind.timeout_s, follower.reply)
            until = follower.changed_at + kind.settle_s
            self._settle(change.step, until, follower.first)
            follower.finish()

    def _settle(self, step: HostStep, until: float, first: State | None = None) -> None:
        """Let the host wait until nothing differs, or it is *until*.

        Args:
            step: was changed, or is a check.
            until: a time of the clock that only grows.
            first: its state right after the change, if that is known.

        Raises:
            VerifyError: a difference is left.
        """
        lane, kind = self._lane, step.bound.step
        # A wait may be over at once, for what only the controller can tell.
        pauses = itertools.chain([0.0], poll_intervals())
        while True:
            over = time.monotonic() >= until
            observed, left = self._remaining(step, last=over)
            if not left:
                return
            first = first or observed
            if over or (why := kind.hopeless(first, observed)):
                raise verify_error(kind, left, "" if over else why)
            lane.emit(StepWaiting(**lane.about(step), left=left))
            if lane.stopped.wait(next(pauses)):
                raise VerifyError("interrupted before it had settled")
            self._wait(step, until - time.monotonic(), lane.session.probe(step))

    def _remaining(self, step: HostStep, *, last: bool) -> Difference:
        try:
            return self._lane.difference(step)
        except ProbeError:
            if last:
                raise
            return remaining(step.bound.step, self._lane.session.probe(step))

    def _wait(self, step: HostStep, seconds: float, last: Reply | None = None) -> None:
        """Let the host wait for *step*, of which the *last* reply is known."""
        lane, kind = self._lane, step.bound.step
        wait = Wait(max(0.0, seconds), kind.wait_ends(), last)
        limit = TimeLimit()
        limit.start(wait_limit_s(wait))

        def on_reply(number: int, reply: Reply) -> None:
            unknown = last is None and number == 0 and reply.ended
            if unknown and (left := remaining(kind, reply)[1]):
                lane.emit(StepWaiting(**lane.about(step), left=left))

        self._begin_wait(step)
        lane.session.run_batch(
            step,
            [Part((), (), None, kind.probe(), wait=wait)],
            alone={step.number} | _to_guard_later(lane, step),
            limit_s=wait_limit_s(wait),
            overdue=limit.over,
            on_line=lambda number, line: None,
            on_reply=on_reply,
        )
        self._waits = False


def _send(lane: Lane, step: HostStep, notes: Sequence[Sh], upload: Upload) -> None:
    """Run *notes*, and send the files of *upload*, which the change of *step* needs.

    Raises:
        ApplyError: the host does not take them, or the run was interrupted.
    """
    limit_s = step.bound.step.timeout_s
    if notes:
        lane.session.note(step, notes, limit_s=limit_s)
    reply = lane.session.upload(step, upload, limit_s=limit_s, stopped=lane.stopped)
    if lane.stopped.is_set():
        raise ApplyError("interrupted before all was sent")
    if reply.exit != 0:
        raise apply_error(limit_s, reply)


def _to_guard_later(lane: Lane, first: HostStep) -> set[int]:
    """Return the numbers of the steps after *first* up to the last that differs.

    Their changes may go into later scripts, so each needs a reply of its own.
    """
    ahead = [s for s in lane.session.ahead(first) if s is not first]
    known = [s for s in ahead if lane.session.remembers(s)]
    last = max((s.number for s in known if differs(lane, s)), default=-1)
    return {step.number for step in ahead if step.number <= last}
