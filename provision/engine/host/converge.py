"""One lane of one host, play after play: probe, plan, change, probe again.

    round trips = 1 + batches that change something (+ waits for checks)

and one more probe where a gate opened after a change elsewhere.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, islice

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
CUT_OFF_BY = Cause("the end of the run")


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
        self._first: HostPlay | None = None
        self._plays: deque[HostPlay] = deque()
        self._left: deque[HostStep] = deque()
        self._go_on: Callable[[], None] = lambda: None
        self._dry_run = DryRun(self._lane) if dry else None
        self._changing = Changing(self._lane, self._end, most)

    def run(self, *plays: HostPlay, go_on: Callable[[], None] = lambda: None) -> bool:
        """Bring the host to *plays* in turn, until one fails; each play is run once.

        Changes of several plays may go in one script, as those of one play do.

        Args:
            plays: in file order; only the first of them may wait for other plays.
            go_on: called when a play has ended well and the next one begins, even while
                the script that has changes of both is still running.

        Returns:
            True if all steps of all plays are as desired (dry: were probed); else that
            is so of the plays before the one that was begun last.

        Raises:
            ProvisionError: the whole run has to end (the cluster is locked).
        """
        first, last = plays[0], plays[-1]
        self._first = first
        self._plays, self._left = deque(plays), deque(first.steps)
        self._go_on = go_on
        with self._connection.busy():
            try:
                if first.gated:
                    self._session.forget_outdated()
                self._connection.open()
                return self._run_steps()
            except HostError as error:
                self._report_end(error)
                return False
            finally:
                if last.steps and last.steps[-1] is self._last:
                    self._connection.end_lane(self._lane.name)

    def idle(self, play: HostPlay) -> bool:
        """Return True if *play* has nothing to do by the last probe; asks no host."""
        knows, difference = self._session.knows, self._lane.difference
        try:
            return all(knows(step) and not difference(step)[1] for step in play.steps)
        except HostError:
            return False

    def _report_end(self, error: HostError) -> None:
        """Report *error*, which ended this host's part or the whole run."""
        play = self._plays[0].play
        if not self._lane.stopped.is_set() or not isinstance(error, CutOff):
            host, first = self._lane.host, self._connection.first_failed(play)
            if first == play:
                self._emit(HostFailed(host=host, play=play, error=error))
            else:
                self._report_blocked(Cause(f"{host} in {first}", host, first))
            return
        if cut := self._changing.cut_off():
            step = self._left.popleft()
            self._emit(StepFailed(**self._lane.about(step), error=cut))
        self._report_blocked(CUT_OFF_BY)

    def _run_steps(self) -> bool:
        """Converge the steps of all plays in turn; a dry run goes on after a failure."""
        self._begin_plays()
        while self._left:
            if self._interrupted_between_plays():
                self._report_blocked(CUT_OFF_BY)
                return False
            if self._run_next():
                continue
            failed = self._left[0]
            if self._dry_run:
                self._end(failed)
                continue
            self._left.popleft()
            label, play = failed.bound.label, failed.play
            self._report_blocked(Cause(label, self._lane.host, play))
            return False
        return True

    def _interrupted_between_plays(self) -> bool:
        """Return True if the run ends, and this play only follows another one."""
        play = self._plays[0]
        at_its_first_step = len(self._left) == len(play.steps)
        follows = play is not self._first
        return follows and at_its_first_step and self._lane.stopped.is_set()

    def _report_blocked(self, by: Cause) -> None:
        """Report that the steps of this play that are left are not run."""
        if self._left:
            blocked = HostBlocked(
                host=self._lane.host,
                play=self._plays[0].play,
                by=by,
                steps=len(self._left),
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
            step = self._left[0]
            try:
                if self._dry_run:
                    self._dry_run.plan(step)
                    self._end(step)
                else:
                    self._changing.converge(step, self._rest())
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

    def _rest(self) -> Iterable[HostStep]:
        """Return the steps after the next one, of this play and those that follow it."""
        later = (play.steps for play in islice(self._plays, 1, None))
        return chain(islice(self._left, 1, None), *later)

    def _end(self, step: HostStep) -> None:
        """Note that *step*, the next one, has ended well."""
        self._left.popleft()
        self._begin_plays()

    def _begin_plays(self) -> None:
        """Go on to the next play that has steps, if none of this one is left."""
        while not self._left and len(self._plays) > 1:
            self._plays.popleft()
            self._left.extend(self._plays[0].steps)
            self._go_on()


def _number(step: HostStep) -> int:
    return step.number
