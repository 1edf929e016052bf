"""One host's connection during a run, shared by its lanes, and the first look at it.

The first look is one script with the probes of all steps of the host, whatever their
lane: so a converged host costs one round trip.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from provision.engine.host.scripts.receive import Receiving
from provision.errors import ConnectError, ConnectionLost, HostError, PrivilegeError
from provision.model.events import Emit, HostConnected, HostRetrying
from provision.model.framing import Reader, Task, run_tasks
from provision.model.script import Script
from provision.model.shell import Reply
from provision.model.step import BoundStep
from provision.transport.protocol import Transport
from provision.transport.retry import TRIES, connect_with_retry

SCRIPT_END_WAIT_S = 5.0
"""Seconds to wait after a connection was lost in silence: by then the watchdog on the host
has ended the script that ran over it."""
LOSSES = 3
"""Number of lost connections that a host may have in a run; one more fails it."""


@dataclass(frozen=True, slots=True)
class HostStep:
    """One step on one host.

    Attributes:
        number: its place among all steps of the host, from 0.
        play: the play it belongs to.
        become: whether it runs as root.
        bound: the step itself.
        lane: the lane of its play.
    """

    number: int
    play: str
    become: bool
    bound: BoundStep
    lane: str = ""


@dataclass(frozen=True, slots=True)
class FirstLook:
    """The replies to the first look at a host.

    Attributes:
        replies: to the probe of each step, by its number.
        unmerged: texts of merged probes that failed.
        ages: for each lane, how many changes there were outside of it before.
        own: for each lane, how many there were in it.
        over: `HostConnection.opened` when it was taken.
    """

    replies: Mapping[int, Reply]
    unmerged: frozenset[str]
    ages: Mapping[str, int]
    own: Mapping[str, int]
    over: int


class HostConnection:
    """The connection to one host; its lanes use it, each from its own thread.

    Args:
        host: its name in events.
        transport: a connection, not yet open.
        steps: all steps of the host, of all plays and lanes, in file order.
        emit: called with each event.
        stopped: once set, a lost connection is not opened again.

    Attributes:
        round_trips: number of scripts that were sent.
        seconds: time in which at least one lane was at work.
        opened: how often it was connected.
        looking: held while the first look is taken.
        first_looks: as root, and as the login user.
    """

    def __init__(
        self,
        host: str,
        transport: Transport,
        steps: Sequence[HostStep],
        *,
        emit: Emit,
        stopped: threading.Event,
    ) -> None:
        self.host = host
        self.steps = tuple(steps)
        self.round_trips = 0
        self.seconds = 0.0
        self.opened = 0
        self.looking = threading.Lock()
        self.first_looks: dict[bool, FirstLook] = {}
        self._transport = transport
        self._emit = emit
        self._stopped = stopped
        self._opening = threading.RLock()
        self._failure: HostError | None = None
        self._failed_play = ""
        self._open = False
        self._losses = 0
        self._counting = threading.Lock()
        self._busy_lanes = 0
        self._busy_since = 0.0
        self._lanes_left = {step.lane for step in steps}

    def open(self) -> None:
        """Connect, unless connected.

        Raises:
            ConnectError: the host cannot be reached, after retries.
            HostError: another lane cannot go on.
        """
        with self._opening:
            self._check()
            if self._open:
                return
            started = time.monotonic()
            with self._final(ConnectError, ConnectionLost):
                connect_with_retry(self._transport, self._retrying)
            self._open = True
            self.opened += 1
            seconds = time.monotonic() - started
            quantum_safe = self._transport.quantum_safe
            self._emit(
                HostConnected(
                    host=self.host, seconds=seconds, quantum_safe=quantum_safe
                )
            )

    def reopen(self, error: ConnectionLost, lost: int) -> None:
        """Connect again after *error*, unless another lane has done so.

        Args:
            error: why the connection is lost.
            lost: `opened` when what was lost was sent.

        Raises:
            ConnectionLost: it was lost too often, or the run was interrupted.
            ConnectError: the host is not back.
        """
        with self._opening:
            if lost != self.opened:
                return self.open()
            self._losses += 1
            self._transport.close()
            with self._final(ConnectionLost):
                if self._stopped.is_set() or self._losses > LOSSES:
                    raise error
            self._open = False
            self._report_retry(self._losses, 0, error.message, most=LOSSES, lost=True)
            if error.silent:
                # Our last heartbeat may have arrived later than the last we received.
                self._stopped.wait(SCRIPT_END_WAIT_S)
            self.open()
        return None

    def close(self) -> None:
        """Disconnect; what runs ends with ConnectionLost. From any thread."""
        self._transport.close()

    def send(
        self, tasks: Sequence[Task], *, become: bool, limit_s: float
    ) -> list[Reply]:
        """Run *tasks* in one script; return one reply per task."""
        self._count()
        with self._final(PrivilegeError, ConnectError):
            return run_tasks(self._transport.run, tasks, become=become, limit_s=limit_s)

    def send_script(
        self,
        text: str,
        reader: Reader,
        *,
        become: bool,
        limit_s: float,
        overdue: Callable[[], bool],
    ) -> list[Reply]:
        """Run a script that changes something; return the replies that *reader* reads."""
        self._count()
        script = Script(
            text, become=become, limit_s=limit_s, heartbeat=True, overdue=overdue
        )
        with self._final(PrivilegeError, ConnectError):
            return reader.read(self._transport.run, script)

    def upload(
        self,
        files: Receiving,
        *,
        become: bool,
        limit_s: float,
        stopped: threading.Event,
    ) -> Reply:
        """Send *files* to one script; return its reply."""
        self._count()
        with self._final(PrivilegeError, ConnectError):
            return files.send(
                self._transport.stream, become=become, limit_s=limit_s, stopped=stopped
            )

    def first_failed(self, play: str) -> str:
        """Return the play that was first to report that the host cannot go on."""
        with self._counting:
            self._failed_play = self._failed_play or play
            return self._failed_play

    def _check(self) -> None:
        """Raise the error for which another lane cannot go on: it is not tried again."""
        if self._failure:
            raise self._failure

    @contextlib.contextmanager
    def _final(self, *kinds: type[HostError]) -> Iterator[None]:
        """Keep an error of *kinds*, which is the end of all lanes of the host."""
        try:
            yield
        except kinds as error:
            self._failure = self._failure or error
            raise

    def _count(self) -> None:
        self._check()
        with self._counting:
            self.round_trips += 1

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Count the time of the context as the host's; that of two lanes once."""
        with self._counting:
            if not self._busy_lanes:
                self._busy_since = time.monotonic()
            self._busy_lanes += 1
        try:
            yield
        finally:
            with self._counting:
                self._busy_lanes -= 1
                if not self._busy_lanes:
                    self.seconds += time.monotonic() - self._busy_since

    def end_lane(self, lane: str) -> None:
        """Note that the last play of *lane* has ended; disconnect after the last lane."""
        with self._counting:
            self._lanes_left.discard(lane)
            over = not self._lanes_left
        # An idle connection costs the controller as well, and sshd a process.
        if over:
            self.close()

    def _retrying(self, attempt: int, wait_s: float, reason: str) -> None:
        self._report_retry(attempt, wait_s, reason, most=TRIES, lost=False)

    def _report_retry(
        self, attempt: int, wait_s: float, reason: str, *, most: int, lost: bool
    ) -> None:
        if self._stopped.is_set():
            raise ConnectionLost("interrupted")
        event = HostRetrying(
            host=self.host,
            attempt=attempt,
            wait_s=wait_s,
            reason=reason,
            most=most,
            lost=lost,
        )
        self._emit(event)
