"""One host's connection during a run, and what was last seen of each of its steps.

All probes of all the host's plays go in one script. The script that makes a change
goes on to look at everything from that step on. So a converged host costs one
round trip, and each change one more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provision.errors import ConnectionLost
from provision.model.events import Emit, HostConnected, HostProbed, HostRetrying
from provision.model.framing import Task, run_tasks
from provision.model.probe_merging import merge_probes
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.step import BoundStep
from provision.transport.protocol import Transport
from provision.transport.retry import TRIES, connect_with_retry

LOOK_LIMIT_S = 60.0
"""Longest time all probes of a host may take together."""
LEASH_S = 5.0
"""So long after a silent connection was given up what ran on it may live; see `leash`."""
LOSSES = 3
"""How often one host's connection may be lost in a run before it is given up."""
CHANGE = 1
"""The number of the change among what is sent with it: a note comes before it."""

OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Item:
    """One step of a host's run, with how its play runs it."""

    play: str
    become: bool
    bound: BoundStep


class Session:
    """A connection that knows the host's steps; used by one thread at a time.

    Args:
        host: its name in events.
        transport: a connection, not yet open.
        items: all steps of the host, of all plays, in the order they will run.
        emit: takes each event.
        stopped: once set, a lost connection is not opened again.
    """

    def __init__(
        self,
        host: str,
        transport: Transport,
        items: Sequence[Item],
        *,
        emit: Emit,
        stopped: threading.Event,
    ) -> None:
        self.host = host
        self.items = tuple(items)
        self.round_trips = 0
        self._transport = transport
        self._emit = emit
        self._stopped = stopped
        self._looks: dict[int, Reply] = {}
        self._apart: set[str] = set()
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
        self._emit(HostConnected(host=self.host, seconds=seconds))

    def reopen(self, error: ConnectionLost) -> None:
        """Connect again after *error*; what was seen no longer counts.

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
        self._again(self._losses, 0, error.message, most=LOSSES, lost=True)
        if error.silent:
            # What ran there may have heard us later than we have heard of it.
            self._stopped.wait(LEASH_S)
        self.open()

    def close(self) -> None:
        """Disconnect; what runs ends with ConnectionLost. From any thread."""
        self._transport.close()

    def forget(self) -> None:
        """Drop what was seen: the next look asks the host again."""
        self._looks.clear()

    def knows(self, index: int) -> bool:
        """Whether a look at step *index* still holds."""
        return index in self._looks

    def look(self, index: int) -> Reply:
        """What the probe of step *index* says; asked now if no look holds."""
        # Twice where a joint look failed: the second asks each step on its own.
        while index not in self._looks:
            started = time.monotonic()
            self._exchange(index, [], LOOK_LIMIT_S)
            seconds = time.monotonic() - started
            steps = len(self._looks)
            self._emit(HostProbed(host=self.host, steps=steps, seconds=seconds))
        return self._looks[index]

    def change(
        self, index: int, sh: Sh, *, limit_s: float, on_line: OnLine, note: Sh = NOTHING
    ) -> Reply:
        """Run *sh*, and in the same trip look at every step from *index* on.

        Args:
            index: the step's number.
            sh: makes the change.
            limit_s: seconds after which the host kills it.
            on_line: takes each line it prints.
            note: run before it; how that ends does not matter.
        """
        tasks = [Task(note, strict=True), Task(sh, strict=True)]
        [_, reply] = self._exchange(index, tasks, limit_s, on_line)
        return reply

    def ask(self, index: int, sh: Sh, *, limit_s: float) -> Reply:
        """Run *sh* as the play of step *index* would, with no look."""
        return self._send([Task(sh)], self.items[index].become, limit_s)[0]

    def _exchange(
        self,
        index: int,
        first: list[Task],
        limit_s: float,
        on_line: OnLine | None = None,
    ) -> list[Reply]:
        """One round trip: *first*, then the probes from *index* on.

        Steps that run as another user need a script of their own: they are
        forgotten here, and asked when their turn comes.
        """
        become = self.items[index].become
        ahead = [
            number
            for number, item in enumerate(self.items)
            if number >= index and item.become == become
        ]
        probes = [self.items[number].bound.step.probe() for number in ahead]
        joined = merge_probes(probes, self._apart)
        looks = [Task(sh) for sh in joined.fragments]
        self._looks.clear()
        got = self._send([*first, *looks], become, limit_s, on_line)
        changed, seen = got[: len(first)], got[len(first) :]
        for number, probe, answer in zip(ahead, probes, joined.answers, strict=True):
            reply, alone = seen[answer], probe.args == joined.fragments[answer].args
            if reply.ended and reply.exit != 0 and not alone:
                # Which of the things cannot be seen, only looks of their own tell.
                self._apart.add(probe.text)
            else:
                self._looks[number] = reply
        return changed

    def _send(
        self,
        tasks: Sequence[Task],
        become: bool,
        limit_s: float,
        on_line: OnLine | None = None,
    ) -> list[Reply]:
        def change_only(fragment: int, line: str) -> None:
            if on_line and fragment == CHANGE:
                on_line(line)

        self.round_trips += 1
        return run_tasks(
            self._transport.run,
            tasks,
            become=become,
            limit_s=limit_s,
            on_line=on_line and change_only,
        )

    def _retrying(self, attempt: int, wait_s: float, reason: str) -> None:
        self._again(attempt, wait_s, reason, most=TRIES, lost=False)

    def _again(
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
