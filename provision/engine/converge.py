"""One host, one play at a time: look, plan, change, look again.

    round trips = 1 + steps that change (+ polls of steps that settle)

and one fresh look more where a gate opened after a change on another host.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from provision.engine.audit import Audit
from provision.engine.outcome import apply_error, observe, verify_error, waits
from provision.engine.session import Item, Session
from provision.errors import (
    ApplyError,
    ConnectError,
    ConnectionLost,
    HostError,
    PrivilegeError,
    ProbeError,
    ProvisionError,
    VerifyError,
)
from provision.model.change import Change, State
from provision.model.events import (
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
)
from provision.model.shell import NOTHING, Sh
from provision.model.step import Step
from provision.transport.protocol import Transport

EVIDENCE_LIMIT_S = 20.0
Cut = ConnectionLost | ConnectError
"""What a host meets when its connection is closed because the run ends."""
NEXT_RUN = "the next run looks at it again, and goes on from what it sees"
UNKNOWN = Change("state", "unknown", "known after the steps before it")
"""What a dry run says of a step that only an earlier step makes escape."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One play on one host, what the scheduler hands out: its steps' numbers."""

    play: str
    indexes: range
    gated: bool = False


class _About(TypedDict):
    host: str
    play: str
    step: str
    kind: str
    where: str


class Convergence:
    """One host during one run; used by one thread at a time.

    Args:
        host: its name in events.
        transport: a connection, not yet open.
        items: all steps of the host, of all plays, in the order they will run.
        dry: look and plan only.
        emit: takes each event, in the thread that runs a unit.
        before_change: called before each change; raises to forbid it.
        stopped: once set, nothing new is started.
        audit: what the host's log is told of each change.
    """

    def __init__(
        self,
        host: str,
        transport: Transport,
        items: Sequence[Item],
        *,
        dry: bool,
        emit: Emit,
        before_change: Callable[[], None] = lambda: None,
        stopped: threading.Event | None = None,
        audit: Audit | None = None,
    ) -> None:
        self.host = host
        self.seconds = 0.0
        self._stopped = stopped or threading.Event()
        self.session = Session(host, transport, items, emit=emit, stopped=self._stopped)
        self._dry = dry
        self._emit = emit
        self._before_change = before_change
        self._audit = audit
        self._elsewhere = 0
        self._promised: set[tuple[str, Change]] = set()
        self._index = 0
        self._changing = False

    def run(self, unit: Unit, *, elsewhere: int = 0) -> bool:
        """Bring the host to *unit*; each unit is run once, in order.

        Args:
            unit: the play.
            elsewhere: how many changes other hosts have seen so far. What was seen
                here before the gate of *unit* saw them is looked at again.

        Returns:
            Whether all of its steps are as they should be (dry: were looked at).

        Raises:
            ProvisionError: the whole run has to end (the cluster is locked).
        """
        started = time.monotonic()
        try:
            if unit.gated and elsewhere > self._elsewhere:
                self.session.forget()
            self._elsewhere = elsewhere
            self.session.open()
            return self._all(unit)
        except HostError as error:
            self._over(unit, error)
            return False
        finally:
            self.seconds += time.monotonic() - started

    def idle(self, unit: Unit) -> bool:
        """Whether nothing differs in *unit*, by what was seen last; asks nobody."""
        knows = self.session.knows
        try:
            return all(knows(i) and not self._judge(i)[1] for i in unit.indexes)
        except HostError:
            return False

    def _over(self, unit: Unit, error: HostError) -> None:
        """Report what ended the host's part: itself, or the end of the whole run."""
        if not self._stopped.is_set() or not isinstance(error, Cut):
            self._emit(HostFailed(host=self.host, play=unit.play, error=error))
            return
        index = max(self._index, unit.indexes.start)
        if self._changing:
            cut = ApplyError("cut off by the end of the run", hint=NEXT_RUN)
            self._emit(StepFailed(**self._about(index), error=cut))
            index += 1
        self._blocked(unit, "the end of the run", index)

    def _all(self, unit: Unit) -> bool:
        """Converge the steps in turn; a dry run goes on after a failure."""
        for index in unit.indexes:
            self._index = index
            if not self._try(index) and not self._dry:
                self._blocked(unit, self._about(index)["step"], index + 1)
                return False
        return True

    def _blocked(self, unit: Unit, by: str, index: int) -> None:
        """Report that the steps from *index* on are not run."""
        if steps := unit.indexes.stop - index:
            event = HostBlocked(host=self.host, play=unit.play, by=by, steps=steps)
            self._emit(event)

    def _try(self, index: int) -> bool:
        """Converge one step; its failure becomes an event and False.

        Raises:
            HostError: the host as a whole cannot go on.
        """
        while True:
            try:
                self._step(index)
                return True
            except ConnectionLost as error:
                # What ran is unknown: look again, and plan from what is seen then.
                self.session.reopen(error)
                self._changing = False
            except PrivilegeError:
                raise
            except HostError as error:
                self._explain(index, error)
                self._emit(StepFailed(**self._about(index), error=error))
                return False

    def _step(self, index: int) -> None:
        observed, changes = self._judge(index)
        changes = self._new(index, changes) if self._dry else changes
        if not changes:
            self._emit(StepOk(**self._about(index), observed=dict(observed)))
        elif self._dry:
            planned = StepPlanned(
                **self._about(index), changes=changes, observed=dict(observed)
            )
            self._emit(planned)
        else:
            self._change(index, changes)

    def _new(self, index: int, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """*changes*, but those that an earlier step of the same subject has promised."""
        told = {(self._at(index).subject, change): change for change in changes}
        new = [key for key in told if not (key[0] and key in self._promised)]
        self._promised |= told.keys()
        return tuple(told[key] for key in new)

    def _judge(self, index: int) -> tuple[State, tuple[Change, ...]]:
        """What was seen of a step, and what has to change."""
        step = self._at(index)
        try:
            observed = observe(step, self.session.look(index))
        except ProbeError:
            if self._dry and self._promised:
                return {}, (UNKNOWN,)
            raise
        return observed, tuple(step.plan(observed))

    def _change(self, index: int, changes: tuple[Change, ...]) -> None:
        """Make *changes* and see that nothing differs any more."""
        if self._stopped.is_set():
            raise ApplyError("not started: the run was interrupted")
        self._before_change()
        about, step, started = self._about(index), self._at(index), time.monotonic()
        self._emit(StepApplying(**about, changes=changes))

        def on_line(line: str) -> None:
            self._emit(OutputLine(**about, line=line))

        sh, note = step.apply(changes), NOTHING
        if self._audit:
            note = self._audit.note(about["step"], changes)
        self._changing = True
        done = self.session.change(
            index, sh, limit_s=step.timeout_s, on_line=on_line, note=note
        )
        self._changing = False
        if done.exit != 0:
            raise apply_error(step.timeout_s, done)
        self._settle(index)
        seconds = time.monotonic() - started
        self._emit(StepChanged(**about, changes=changes, seconds=seconds))

    def _settle(self, index: int) -> None:
        """Look until nothing differs, for as long as the step may take to settle.

        Raises:
            VerifyError: a difference is left.
        """
        settle_s, pauses = self._at(index).settle_s, waits()
        deadline = time.monotonic() + settle_s
        while left := self._left(index, last=time.monotonic() >= deadline):
            if time.monotonic() >= deadline:
                raise verify_error(left, settle_s)
            self._emit(StepWaiting(**self._about(index), left=left))
            if self._stopped.wait(next(pauses)):
                raise VerifyError("interrupted before it had settled")
            self.session.forget()

    def _left(self, index: int, *, last: bool) -> tuple[Change, ...]:
        try:
            return self._judge(index)[1]
        except ProbeError:
            if last:
                raise
            return (Change("state", "unknown", None),)

    def _explain(self, index: int, error: HostError) -> None:
        """Add to a step's failure what the host and the step can tell about it."""
        step = self._at(index)
        if isinstance(error, ApplyError | VerifyError) and (sh := step.evidence()):
            error.details = (*error.details, *self._evidence(index, sh))
        if not error.hint:
            error.hint = step.advice("\n".join([error.message, *error.details]))

    def _evidence(self, index: int, sh: Sh) -> tuple[str, ...]:
        try:
            reply = self.session.ask(index, sh, limit_s=EVIDENCE_LIMIT_S)
        except ProvisionError as error:
            return (f"(the host could not be asked why: {error.message})",)
        return tuple(reply.stdout.strip("\n").splitlines())

    def _at(self, index: int) -> Step:
        return self.session.items[index].bound.step

    def _about(self, index: int) -> _About:
        item = self.session.items[index]
        return {
            "host": self.host,
            "play": item.play,
            "step": item.bound.label,
            "kind": item.bound.step.kind,
            "where": item.bound.where,
        }
