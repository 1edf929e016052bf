"""All plays of a run on all hosts: what is ready goes to a pool of threads.

Gates and batches hold the rest back. A play that waits for nothing but the one before it on
its host is run by the same thread, so that changes of both can go in one script. Workers
put events into one queue; the main thread alone reads it, calls the reporters and starts
what became ready. So no thread waits for a gate, and neither reporters nor the state here
need a lock.
"""

from __future__ import annotations

import queue
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Protocol

from provision.engine.host.converge import HostPlay
from provision.errors import InternalError, ProvisionError
from provision.model.events import Cause, Emit, Event, HostBlocked, HostFailed

QUEUE_EVENTS = 4096
"""Length of the queue; workers wait when reporters fall behind, so memory is bounded."""
POLL_INTERVAL_S = 0.2
"""Seconds between checks for an interruption while no event comes."""


@dataclass(frozen=True, slots=True, eq=False)
class ScheduledPlay:
    """One play over its hosts; in the graph, the end of the play on all of them.

    Attributes:
        name: the play's name.
        after: names of earlier plays that must have ended well on all their hosts.
        batch: how many hosts at a time may be disrupted; 0 = all.
        on_hosts: the play on each of its hosts.
    """

    name: str
    after: tuple[str, ...]
    batch: int
    on_hosts: tuple[HostPlay, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a play on a host.

    Attributes:
        play: the play.
        good: whether it ended well.
        begun: the play that its thread goes on with; None: the thread is free.
        fatal: an error that ends the whole run.
    """

    play: HostPlay
    good: bool
    begun: HostPlay | None = None
    fatal: ProvisionError | None = None


class Work(Protocol):
    """A function that runs plays of one lane of a host; see `Convergence.run`."""

    def __call__(self, *plays: HostPlay, go_on: Callable[[], None]) -> bool: ...


@dataclass(slots=True)
class Batches:
    """The hosts of a play on which something would change, a few at a time.

    The first batch begins when all hosts have come this far, so that nothing is
    disrupted before everything is prepared. Hosts with nothing to do do not wait.

    Attributes:
        size: how many hosts are changed together.
        coming: how many hosts have not come this far yet.
        waiting: those that have, in the order they came.
        running: the present batch; the next begins when all of it ended well.
        by: the failure that ended all batches.
    """

    size: int
    coming: int
    waiting: list[HostPlay] = field(default_factory=list)
    running: set[HostPlay] = field(default_factory=set)
    by: Cause | None = None

    def take(self) -> list[HostPlay]:
        """Remove and return those whose turn it is now."""
        if self.coming or self.running:
            return []
        size = len(self.waiting) if self.by else self.size
        taken, self.waiting = self.waiting[:size], self.waiting[size:]
        return taken


Node = HostPlay | ScheduledPlay
"""A play on a host, or the end of a play on all its hosts, which gates wait for."""
Graph = dict[Node, tuple[Node, ...]]
Queue = queue.Queue[Event | Ended]


def graph(plays: Sequence[ScheduledPlay], *, gates: bool = True) -> Graph:
    """Return what each play on a host, and each play as a whole, waits for.

    Args:
        plays: in file order; a host's plays of one lane run in this order.
        gates: False leaves out gates, for runs that change nothing.
    """
    nodes: Graph = {}
    last: dict[tuple[str, str], HostPlay] = {}
    ends: dict[str, ScheduledPlay] = {}
    for play in plays:
        opened = [ends[name] for name in play.after if gates and name in ends]
        for on_host in play.on_hosts:
            lane = (on_host.host, on_host.lane)
            own = [last[lane]] if lane in last else []
            nodes[on_host] = (*own, *opened)
            last[lane] = on_host
        ends[play.name] = play
        nodes[play] = play.on_hosts
    return nodes


def new_queue() -> Queue:
    """Return a queue for events from workers to the scheduler."""
    return queue.Queue(QUEUE_EVENTS)


class Scheduler:
    """One pass over the plays of a run on all hosts, each started as its turn comes.

    Args:
        plays: see `graph`.
        work: runs plays on a host, in a thread of the pool.
        idle: returns True if it has nothing to do, by what is known; asks no host.
        events: where workers put their events.
        report: called with each event, in the thread that calls `run`.
        gates: whether gates and batches hold anything back.
        interrupted: once set, nothing new is started.
        halt: called then, once: makes what runs end soon.
        forks: how many plays run at a time, each in its own thread.
    """

    def __init__(
        self,
        plays: Sequence[ScheduledPlay],
        work: Work,
        *,
        idle: Callable[[HostPlay], bool],
        events: Queue,
        report: Emit,
        gates: bool,
        interrupted: threading.Event,
        halt: Callable[[], None],
        forks: int,
    ) -> None:
        self._work = work
        self._idle = idle
        self._events = events
        self._report = report
        self._interrupted = interrupted
        self._halt = halt
        self._pool = ThreadPoolExecutor(forks, thread_name_prefix="host")
        self._nodes = graph(plays, gates=gates)
        self._order = TopologicalSorter(self._nodes)
        self._batches: dict[HostPlay, Batches] = {}
        for play in plays:
            if gates and play.batch:
                batches = Batches(play.batch, coming=len(play.on_hosts))
                self._batches |= dict.fromkeys(play.on_hosts, batches)
        self._next = {
            self._nodes[node][0]: node
            for node in self._nodes
            if isinstance(node, HostPlay) and self._only_follows(node, gates=gates)
        }
        self._begun: set[HostPlay] = set()
        self._failed: dict[Node, Cause] = {}
        self._running = 0
        self._stopping: Cause | None = None
        self._fatal: ProvisionError | None = None

    def run(self) -> None:
        """Run all plays.

        Raises:
            ProvisionError: an error that ends the whole run.
        """
        self._order.prepare()
        with self._pool:
            while self._order.is_active():
                for node in self._order.get_ready():
                    self._on_ready(node)
                if self._running:
                    self._wait()
        while not self._events.empty():
            self._handle(self._events.get())
        if self._fatal:
            raise self._fatal

    def _only_follows(self, play: HostPlay, *, gates: bool) -> bool:
        """Return True if *play* waits for nothing but the play before it on its host."""
        waits = (gates and play.gated) or play in self._batches
        return len(self._nodes[play]) == 1 and not waits

    def _on_ready(self, node: Node) -> None:
        """Start a play on a host, unless it must wait for its batch or not run at all."""
        if node in self._begun:
            return
        failed = (self._failed[n] for n in self._nodes[node] if n in self._failed)
        by = next(failed, self._stopping)
        if isinstance(node, ScheduledPlay):
            if by:
                self._failed[node] = by
            self._order.done(node)
            return
        batches = self._batches.get(node)
        if by:
            self._block(node, by)
        elif batches and not self._idle(node):
            batches.waiting.append(node)
        else:
            self._start(node)
        if batches:
            batches.coming -= 1
            self._start_batch(batches)

    def _start_batch(self, batches: Batches) -> None:
        """Start the next batch, if it is time; block all that wait where one failed."""
        while turn := batches.take():
            for play in turn:
                if by := batches.by or self._stopping:
                    self._block(play, by)
                else:
                    batches.running.add(play)
                    self._start(play)

    def _start(self, play: HostPlay) -> None:
        """Start *play*, and what only follows it, in one thread."""
        plays: list[HostPlay] = [play]
        while (after := self._next.get(plays[-1])) is not None:
            plays.append(after)
        self._running += 1
        self._pool.submit(self._in_thread, deque(plays))

    def _block(self, play: HostPlay, by: Cause) -> None:
        """Report that *play* is not run because of *by*."""
        self._failed[play] = by
        steps = len(play.steps)
        self._report(HostBlocked(host=play.host, play=play.play, by=by, steps=steps))
        self._order.done(play)

    def _in_thread(self, left: deque[HostPlay]) -> None:
        def go_on() -> None:
            self._events.put(Ended(left.popleft(), good=True, begun=left[0]))

        try:
            good = self._work(*left, go_on=go_on)
            end = Ended(left[0], good)
        except ProvisionError as fatal:
            end = Ended(left[0], good=False, fatal=fatal)
        except Exception as error:  # noqa: BLE001 - a defect on one host must not hang all
            self._events.put(_internal(left[0], error))
            end = Ended(left[0], good=False)
        self._events.put(end)

    def _wait(self) -> None:
        if self._interrupted.is_set():
            self._stop("the interruption")
        try:
            self._handle(self._events.get(timeout=POLL_INTERVAL_S))
        except queue.Empty:
            return

    def _handle(self, item: Event | Ended) -> None:
        if isinstance(item, Ended):
            self._on_end(item)
        else:
            self._report(item)

    def _on_end(self, end: Ended) -> None:
        if end.begun:
            self._begun.add(end.begun)
        else:
            self._running -= 1
        if not end.good:
            # One that only follows another is not begun once the run ends: that is no failure.
            cut_off = self._stopping if end.play in self._begun else None
            self._failed[end.play] = cut_off or _failure(end.play)
        if end.fatal and not self._fatal:
            self._fatal = end.fatal
            self._stop("the end of the run")
        self._order.done(end.play)
        batches = self._batches.get(end.play)
        if batches and end.play in batches.running:
            batches.running.remove(end.play)
            batches.by = batches.by or self._failed.get(end.play)
            self._start_batch(batches)

    def _stop(self, reason: str) -> None:
        if not self._stopping:
            self._stopping = Cause(reason)
            self._halt()


def _failure(play: HostPlay) -> Cause:
    return Cause(f"{play.host} in {play.play}", play.host, play.play)


def _internal(play: HostPlay, error: Exception) -> HostFailed:
    failure = InternalError(
        f"internal error: {type(error).__name__}: {error}",
        hint="please report it, with these lines",
        details="".join(traceback.format_exception(error)).splitlines(),
    )
    return HostFailed(host=play.host, play=play.play, error=failure)
