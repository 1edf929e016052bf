"""One host's connection during a run, and the last reply to each of its probes.

All probes of all the host's plays go in one script. The script that makes a change
goes on to probe everything from that step on. So a converged host costs one round
trip, and each change one more.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provision.errors import ConnectionLost
from provision.model.events import Emit, HostConnected, HostProbed, HostRetrying
from provision.model.framing import Task, run_tasks
from provision.model.probe_merging import MergedProbes, merge_probes
from provision.model.shell import Reply, Sh
from provision.model.step import BoundStep
from provision.transport.protocol import Transport
from provision.transport.retry import TRIES, connect_with_retry

PROBE_LIMIT_S = 60.0
"""Longest time all probes of a host may take together."""
SCRIPT_END_WAIT_S = 5.0
"""Seconds to wait after a connection was lost in silence: by then the watchdog on the host
has ended the script that ran over it."""
LOSSES = 3
"""Number of lost connections that a host may have in a run; one more fails it."""
OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class HostStep:
    """One step on one host.

    Attributes:
        number: its place among all steps of the host, from 0.
        play: the play it belongs to.
        become: whether it runs as root.
        bound: the step itself.
    """

    number: int
    play: str
    become: bool
    bound: BoundStep


class ChangeClock:
    """Counts the changes of a run by host; used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: Counter[str] = Counter()

    def tick(self, host: str) -> None:
        """Count one change on *host*."""
        with self._lock:
            self._changes[host] += 1

    def elsewhere(self, host: str) -> int:
        """Return how many changes other hosts than *host* have had so far."""
        with self._lock:
            return self._changes.total() - self._changes[host]


class Session:
    """A connection that knows the host's steps; used by one thread at a time.

    Args:
        host: its name in events.
        transport: a connection, not yet open.
        steps: all steps of the host, of all plays, in the order they will run.
        clock: counts the changes of the run.
        emit: called with each event.
        stopped: once set, a lost connection is not opened again.
    """

    def __init__(
        self,
        host: str,
        transport: Transport,
        steps: Sequence[HostStep],
        *,
        clock: ChangeClock,
        emit: Emit,
        stopped: threading.Event,
    ) -> None:
        self.host = host
        self.round_trips = 0
        self._steps = tuple(steps)
        self._transport = transport
        self._clock = clock
        self._emit = emit
        self._stopped = stopped
        self._replies: dict[int, Reply] = {}
        self._unmerged: set[str] = set()
        self._probed_at = 0
        self._losses = 0
        self._open = False

    def open(self) -> None:
        """Connect, unless connected.

        Raises:
            ConnectError: the host cannot be reached, after retries.
        """
        if self._open:
            return
        started = time.monotonic()
        connect_with_retry(self._transport, self._retrying)
        self._open = True
        seconds = time.monotonic() - started
        self._emit(
            HostConnected(
                host=self.host,
                seconds=seconds,
                quantum_safe=self._transport.quantum_safe,
            )
        )

    def reopen(self, error: ConnectionLost) -> None:
        """Connect again after *error*; replies from before no longer count.

        Raises:
            ConnectionLost: it was lost too often, or the run was interrupted.
            ConnectError: the host is not back.
        """
        self._losses += 1
        self._transport.close()
        if self._stopped.is_set() or self._losses > LOSSES:
            raise error
        self._open = False
        self.forget()
        self._report_retry(self._losses, 0, error.message, most=LOSSES, lost=True)
        if error.silent:
            # Our last heartbeat may have arrived later than the last we received.
            self._stopped.wait(SCRIPT_END_WAIT_S)
        self.open()

    def close(self) -> None:
        """Disconnect; what runs ends with ConnectionLost. From any thread."""
        self._transport.close()

    def forget(self) -> None:
        """Drop all replies: the next probe asks the host again."""
        self._replies.clear()

    def forget_outdated(self) -> None:
        """Drop all replies if other hosts were changed since they were given."""
        if self._clock.elsewhere(self.host) > self._probed_at:
            self.forget()

    def knows(self, step: HostStep) -> bool:
        """Return True if the last reply to the probe of *step* still holds."""
        return step.number in self._replies

    def probe(self, step: HostStep) -> Reply:
        """Return the reply to the probe of *step*; sent now if none holds."""
        # Twice where a merged probe failed: the second time each step's own is sent.
        while not self.knows(step):
            started = time.monotonic()
            self._exchange(step, [], PROBE_LIMIT_S)
            seconds = time.monotonic() - started
            steps = len(self._replies)
            self._emit(HostProbed(host=self.host, steps=steps, seconds=seconds))
        return self._replies[step.number]

    def change(
        self,
        step: HostStep,
        sh: Sh,
        *,
        limit_s: float,
        on_line: OnLine,
        notes: Sequence[Sh] = (),
    ) -> Reply:
        """Run *sh*, and in the same round trip probe every step from *step* on.

        Args:
            step: the step that is changed.
            sh: makes the change.
            limit_s: seconds after which the host kills it.
            on_line: called for each line it prints.
            notes: run before it; how they end does not matter.
        """
        noting = [Task(note, strict=True) for note in notes]
        changing = Task(sh, strict=True, on_line=on_line)
        return self._exchange(step, [*noting, changing], limit_s)[-1]

    def ask(self, step: HostStep, sh: Sh, *, limit_s: float) -> Reply:
        """Run *sh* as the play of *step* would, with no probe."""
        [reply] = self._send([Task(sh)], step.become, limit_s)
        return reply

    def _exchange(
        self, step: HostStep, first: list[Task], limit_s: float
    ) -> list[Reply]:
        """Run *first*, then the probes from *step* on; return the replies to *first*.

        Steps that run as another user need a script of their own: their replies are
        dropped here, and they are probed when their turn comes.
        """
        ahead = [s for s in self._steps[step.number :] if s.become == step.become]
        probes = [s.bound.step.probe() for s in ahead]
        merged = merge_probes(probes, self._unmerged)
        self.forget()
        self._probed_at = self._clock.elsewhere(self.host)
        tasks = [*first, *(Task(sh) for sh in merged.fragments)]
        replies = self._send(tasks, step.become, limit_s)
        self._keep(ahead, probes, merged, replies[len(first) :])
        return replies[: len(first)]

    def _keep(
        self,
        steps: Sequence[HostStep],
        probes: Sequence[Sh],
        merged: MergedProbes,
        replies: Sequence[Reply],
    ) -> None:
        """Keep the reply to the probe of each of *steps*, as far as it is its own.

        A merged probe that failed does not tell for which step: from now on the
        probes with its text are sent unmerged.
        """
        for step, probe, answer in zip(steps, probes, merged.answers, strict=True):
            reply = replies[answer]
            alone = probe.args == merged.fragments[answer].args
            if reply.ended and reply.exit != 0 and not alone:
                self._unmerged.add(probe.text)
            else:
                self._replies[step.number] = reply

    def _send(self, tasks: Sequence[Task], become: bool, limit_s: float) -> list[Reply]:
        self.round_trips += 1
        return run_tasks(self._transport.run, tasks, become=become, limit_s=limit_s)

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
