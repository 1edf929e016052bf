"""One lane of one host, one play at a time: probe, plan, change, probe again.

    round trips = 1 + batches that change something (+ waits for checks)

and one more probe where a gate opened after a change elsewhere.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from provision.engine.change_control.notes import Notes
from provision.engine.host.batch import MOST
from provision.engine.host.changing import Changing
from provision.engine.host.connection import HostConnection, HostStep
from provision.engine.host.dry_run import DryRun
from provision.engine.host.lane import Lane
from provision.engine.host.session import ChangeClock, Session
from provision.errors import (
    ConnectError,
    ConnectionLost,
    HostError,
    PrivilegeError,
)
from provision.model.events import Cause, Emit, HostBlocked, HostFailed, StepFailed

CutOff = ConnectionLost | ConnectError
"""Errors of a host whose connection is closed because the run ends."""


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


class Convergence:
    """One lane of a host during one run; used by one thread at a time.

    Args:
        connection: the host's, with the steps of all its lanes.
        lane: its plays run in file order, beside those of other lanes.
        dry: probe and plan only.
        emit: called with each event, in the thread that runs a play.
        clock: counts the changes of the run.
        before_change: called before each script that changes something; raises to
            forbid it.
        stopped: once set, nothing new is started.
        notes: returns what is written on the host before a change.
        diff: ask for the texts that are replaced, and report how they differ.
        most: most changes in one script; 1 = each in a script of its own.
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
        most: int = MOST,
    ) -> None:
        clock = clock or ChangeClock()
        self._connection = connection
        self._session = Session(connection, lane, clock=clock, emit=emit)
        self._emit = emit
        self._lane = Lane(
            host=connection.host,
            name=lane,
            session=self._session,
            emit=emit,
            clock=clock,
            stopped=stopped or threading.Event(),
            before_change=before_change,
            notes=notes,
            shows_diff=diff,
        )
        self._last = max((s for s in connection.steps if s.lane == lane), key=_number)
        self._left: deque[HostStep] = deque()
        self._dry_run = DryRun(self._lane) if dry else None
        self._changing = Changing(self._lane, self._end, most)

    def run(self, play: HostPlay) -> bool:
        """Bring the host to *play*; each play is run once, in order.

        Returns:
            True if all of its steps are as desired (dry: were probed).

        Raises:
            ProvisionError: the whole run has to end (the cluster is locked).
        """
        self._left = deque(play.steps)
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
                    self._connection.end_lane(self._lane.name)

    def idle(self, play: HostPlay) -> bool:
        """Return True if *play* has nothing to do by the last probe; asks no host."""
        knows, difference = self._session.knows, self._lane.difference
        try:
            return all(knows(step) and not difference(step)[1] for step in play.steps)
        except HostError:
            return False

    def _report_end(self, play: HostPlay, error: HostError) -> None:
        """Report *error*, which ended this host's part or the whole run."""
        if not self._lane.stopped.is_set() or not isinstance(error, CutOff):
            host, first = self._lane.host, self._connection.first_failed(play.play)
            if first == play.play:
                self._emit(HostFailed(host=host, play=play.play, error=error))
            else:
                by = Cause(f"{host} in {first}", host, first)
                self._report_blocked(play, by, len(self._left))
            return
        if cut := self._changing.cut_off():
            step = self._left.popleft()
            self._emit(StepFailed(**self._lane.about(step), error=cut))
        self._report_blocked(play, Cause("the end of the run"), len(self._left))

    def _run_steps(self, play: HostPlay) -> bool:
        """Converge the steps in turn; a dry run goes on after a failure."""
        while self._left:
            if self._run_next():
                continue
            failed = self._left.popleft()
            if not self._dry_run:
                by = Cause(failed.bound.label, self._lane.host, play.play)
                self._report_blocked(play, by, len(self._left))
                return False
        return True

    def _report_blocked(self, play: HostPlay, by: Cause, steps: int) -> None:
        """Report that the last *steps* of *play* are not run."""
        if steps:
            blocked = HostBlocked(
                host=self._lane.host, play=play.play, by=by, steps=steps
            )
            self._emit(blocked)

    def _run_next(self) -> bool:
        """Converge the next step, and those that go with it; a failure becomes an event.

        Returns:
            False if one has failed, which is then the next step that is left.

        Raises:
            HostError: the host as a whole cannot go on.
        """
        while True:
            step, *rest = self._left
            try:
                if self._dry_run:
                    self._dry_run.plan(step)
                    self._end(step)
                else:
                    self._changing.converge(step, rest)
                return True
            except ConnectionLost as error:
                # How far it got is unknown: probe again, and plan from that.
                self._session.reopen(error)
                self._changing.lose_track()
            except (PrivilegeError, ConnectError):
                raise
            except HostError as error:
                failed = self._left[0]
                self._changing.give_up(failed, error)
                about, seen = self._lane.about(failed), self._lane.last_seen(failed)
                self._emit(StepFailed(**about, error=error, observed=seen))
                return False

    def _end(self, step: HostStep) -> None:
        """Note that *step*, the next one, has ended well."""
        self._left.popleft()


def _number(step: HostStep) -> int:
    return step.number
