"""One lane of one host, one play at a time: probe, plan, change, probe again.

    round trips = 1 + steps that change (+ polls of steps that settle)

and one more probe where a gate opened after a change elsewhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from provision.engine.change_control.notes import Notes
from provision.engine.host.connection import HostConnection, HostStep
from provision.engine.host.foresight import UNKNOWN, Promises
from provision.engine.host.outcome import (
    EVIDENCE_LIMIT_S,
    apply_error,
    explain,
    observe,
    poll_intervals,
    put_back,
    verify_error,
)
from provision.engine.host.session import ChangeClock, Session
from provision.engine.host.text_diff import text_diff
from provision.errors import (
    ApplyError,
    ConnectError,
    ConnectionLost,
    HostError,
    PrivilegeError,
    ProbeError,
    VerifyError,
)
from provision.model.change import Change, State
from provision.model.events import (
    Cause,
    CheckUnmet,
    Emit,
    HostBlocked,
    HostFailed,
    OutputLine,
    StepApplying,
    StepChanged,
    StepFailed,
    StepOk,
    StepPlanned,
    StepWaiting,
    Warned,
)

CutOff = ConnectionLost | ConnectError
"""Errors of a host whose connection is closed because the run ends."""
_Diff = tuple[State, tuple[Change, ...]]
NEXT_RUN = "the next run probes the host again, and goes on from what it finds"


@dataclass(frozen=True, slots=True, eq=False)
class HostPlay:
    """One play on one host: what the scheduler starts.

    Attributes:
        play: the play's name.
        host: the host's name.
        steps: the play's steps there.
        gated: whether the play waits for other plays, so that states that were
            observed before those changed something are out of date.
        lane: the host's plays of one lane run in turn.
    """

    play: str
    host: str
    steps: tuple[HostStep, ...]
    gated: bool = False
    lane: str = ""


class _About(TypedDict):
    host: str
    play: str
    step: str
    kind: str
    where: str


class Convergence:
    """One lane of a host during one run; used by one thread at a time.

    Args:
        connection: the host's, with the steps of all its lanes.
        lane: its plays run in file order, beside those of other lanes.
        dry: probe and plan only.
        emit: called with each event, in the thread that runs a play.
        clock: counts the changes of the run.
        before_change: called before each change; raises to forbid it.
        stopped: once set, nothing new is started.
        notes: returns what is written on the host before a change.
        diff: ask for the texts that are replaced, and report how they differ.
    """

    def __init__(
        self,
        connection: HostConnection,
        lane: str = "",
        *,
        dry: bool,
        emit: Emit,
        clock: ChangeClock | None = None,
        before_change: Callable[[], None] = lambda: None,
        stopped: threading.Event | None = None,
        notes: Notes | None = None,
        diff: bool = False,
    ) -> None:
        self.host = connection.host
        self._connection = connection
        self._lane = lane
        steps = [step for step in connection.steps if step.lane == lane]
        self._last = steps[-1] if steps else None
        self._stopped = stopped or threading.Event()
        self._clock = clock or ChangeClock()
        self._session = Session(connection, lane, clock=self._clock, emit=emit)
        self._dry = dry
        self._emit = emit
        self._before_change = before_change
        self._notes = notes
        self._shows_diff = diff
        self._promises = Promises()
        self._number = 0
        self._begun: tuple[State, tuple[Change, ...]] | None = None
        self._changing = False

    def run(self, play: HostPlay) -> bool:
        """Bring the host to *play*; each play is run once, in order.

        Returns:
            True if all of its steps are as desired (dry: were probed).

        Raises:
            ProvisionError: the whole run has to end (the cluster is locked).
        """
        with self._connection.busy():
            try:
                if play.gated:
                    self._session.forget_outdated()
                self._connection.open()
                return self._run_steps(play)
            except HostError as error:
                self._report_end(play, error)
                return False
            finally:
                if play.steps and play.steps[-1] is self._last:
                    self._connection.end_lane(self._lane)

    def idle(self, play: HostPlay) -> bool:
        """Return True if *play* has nothing to do by the last probe; asks no host."""
        knows = self._session.knows
        try:
            return all(knows(step) and not self._diff(step)[1] for step in play.steps)
        except HostError:
            return False

    def _report_end(self, play: HostPlay, error: HostError) -> None:
        """Report *error*, which ended this host's part or the whole run."""
        if not self._stopped.is_set() or not isinstance(error, CutOff):
            self._emit(HostFailed(host=self.host, play=play.play, error=error))
            return
        left = [step for step in play.steps if step.number >= self._number]
        if self._changing:
            cut = ApplyError("cut off by the end of the run", hint=NEXT_RUN)
            self._emit(StepFailed(**self._about(left.pop(0)), error=cut))
        self._report_blocked(play, Cause("the end of the run"), len(left))

    def _run_steps(self, play: HostPlay) -> bool:
        """Converge the steps in turn; a dry run goes on after a failure."""
        for done, step in enumerate(play.steps, start=1):
            self._number = step.number
            if not self._run_step(step) and not self._dry:
                by = Cause(step.bound.label, self.host, play.play)
                self._report_blocked(play, by, len(play.steps) - done)
                return False
        return True

    def _report_blocked(self, play: HostPlay, by: Cause, steps: int) -> None:
        """Report that the last *steps* of *play* are not run."""
        if steps:
            blocked = HostBlocked(host=self.host, play=play.play, by=by, steps=steps)
            self._emit(blocked)

    def _run_step(self, step: HostStep) -> bool:
        """Converge one step; its failure becomes an event and False.

        Raises:
            HostError: the host as a whole cannot go on.
        """
        while True:
            try:
                self._converge(step)
                return True
            except ConnectionLost as error:
                # How far it got is unknown: probe again, and plan from that.
                self._session.reopen(error)
                self._changing = False
            except (PrivilegeError, ConnectError):
                raise
            except HostError as error:
                self._take_in(step, error)
                self._emit(StepFailed(**self._about(step), error=error))
                return False

    def _take_in(self, step: HostStep, error: HostError) -> None:
        """Add to *error* what the host knows of it, and go back where the step can."""
        begun, self._begun = self._begun, None
        explain(self._session, step, error)
        if begun and not self._stopped.is_set():
            put_back(self._session, step, begun, error)

    def _converge(self, step: HostStep) -> None:
        if self._dry:
            self._plan(step)
            return
        observed, changes = self._diff(step)
        self._remark(step, observed)
        if not changes:
            self._emit(StepOk(**self._about(step), observed=dict(observed)))
        elif step.bound.step.checks_only:
            self._wait_for(step)
        else:
            # What it was before a lost connection counts, if there was one.
            self._begun = self._begun or (observed, changes)
            self._change(step, changes, self._text_diff(step, observed, changes))
        self._begun = None

    def _plan(self, step: HostStep) -> None:
        """Report what *step* would change after the steps before it (a dry run)."""
        about, checks = self._about(step), step.bound.step.checks_only
        observed, changes, because = self._forecast(step)
        self._remark(step, observed)
        if not changes:
            self._emit(StepOk(**about, observed=observed))
        elif checks:
            self._emit(CheckUnmet(**about, left=changes, observed=observed))
        else:
            diff = self._text_diff(step, observed, changes)
            planned = StepPlanned(
                **about, changes=changes, observed=observed, because=because, diff=diff
            )
            self._emit(planned)

    def _text_diff(
        self, step: HostStep, observed: State, changes: tuple[Change, ...]
    ) -> tuple[str, ...]:
        """Return the diff of the text that *changes* replace, if it was asked for."""
        kind = step.bound.step
        text = kind.text_change(observed, changes) if self._shows_diff else None
        if not text:
            return ()
        return text_diff(
            text, lambda sh: self._session.ask(step, sh, limit_s=EVIDENCE_LIMIT_S)
        )

    def _forecast(
        self, step: HostStep
    ) -> tuple[dict[str, str], tuple[Change, ...], tuple[str, ...]]:
        """Return the observed state of *step*, its changes, and what they follow from."""
        try:
            observed = dict(self._observed(step))
        except ProbeError:
            if not self._promises.planned:
                raise
            return {}, self._promises.unknown(step.bound.step), ()
        changes, because = self._promises.forecast(step.bound, observed)
        if changes and UNKNOWN not in changes:
            self._promises.add(step.bound, changes)
        return observed, changes, because

    def _diff(self, step: HostStep) -> _Diff:
        """Return the observed state of *step*, and what has to change."""
        observed = self._observed(step)
        return observed, tuple(step.bound.step.plan(observed))

    def _observed(self, step: HostStep) -> State:
        """Return the state of *step* as it is now."""
        return observe(step.bound.step, self._session.probe(step))

    def _remark(self, step: HostStep, observed: State) -> None:
        """Report what a person should know of *observed* that is no difference."""
        for remark in step.bound.step.remarks(observed):
            self._emit(Warned(message=remark, host=self.host))

    def _wait_for(self, step: HostStep) -> None:
        """Wait until what *step* checks is so."""
        started = time.monotonic()
        self._settle(step)
        seconds, observed = time.monotonic() - started, dict(self._observed(step))
        self._emit(StepOk(**self._about(step), observed=observed, seconds=seconds))

    def _change(
        self, step: HostStep, changes: tuple[Change, ...], diff: tuple[str, ...]
    ) -> None:
        """Make *changes* and verify that nothing differs any more."""
        if self._stopped.is_set():
            raise ApplyError("not started: the run was interrupted")
        self._before_change()
        about, kind, started = self._about(step), step.bound.step, time.monotonic()
        self._emit(StepApplying(**about, changes=changes))

        def on_line(line: str) -> None:
            self._emit(OutputLine(**about, line=line))

        notes = self._notes(step.bound, changes) if self._notes else ()
        self._changing = True
        done = self._session.change(
            step,
            kind.apply(changes),
            limit_s=kind.timeout_s,
            on_line=on_line,
            notes=notes,
        )
        self._changing = False
        if done.exit != 0:
            raise apply_error(kind.timeout_s, done)
        self._settle(step)
        seconds = time.monotonic() - started
        self._clock.tick(self.host, self._lane)
        changed = StepChanged(**about, changes=changes, seconds=seconds, diff=diff)
        self._emit(changed)

    def _settle(self, step: HostStep) -> None:
        """Probe until nothing differs, for as long as the step may take to settle.

        Raises:
            VerifyError: a difference is left.
        """
        kind, pauses, first = step.bound.step, poll_intervals(), None
        deadline = time.monotonic() + kind.settle_s
        while True:
            over = time.monotonic() >= deadline
            observed, left = self._remaining(step, last=over)
            if not left:
                return
            first = first or observed
            if over or (why := kind.hopeless(first, observed)):
                raise verify_error(kind, left, "" if over else why)
            self._emit(StepWaiting(**self._about(step), left=left))
            if self._stopped.wait(next(pauses)):
                raise VerifyError("interrupted before it had settled")
            self._session.forget()

    def _remaining(self, step: HostStep, *, last: bool) -> _Diff:
        try:
            return self._diff(step)
        except ProbeError:
            if last:
                raise
            return {}, (Change("state", "unknown", None),)

    def _about(self, step: HostStep) -> _About:
        return {
            "host": self.host,
            "play": step.play,
            "step": step.bound.label,
            "kind": step.bound.step.kind,
            "where": step.bound.where,
        }
