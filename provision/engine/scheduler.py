"""All hosts of a run: what is ready goes to a pool of threads, gates and batches hold the rest.

Workers put events into one queue; the main thread alone reads it, calls the
reporters and starts what became ready. So no thread waits for a gate, and neither
reporters nor the state here need a lock.
"""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter

from provision.engine.converge import Unit
from provision.errors import InternalError, ProvisionError
from provision.model.events import Emit, Event, HostBlocked, HostFailed, StepChanged

QUEUE_EVENTS = 4096
"""Events on their way; workers wait when reporters fall behind, so memory is bounded."""
POLL_INTERVAL_S = 0.2
"""How soon an interruption is heeded while nothing happens."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One play over its hosts, as the scheduler sees it.

    Attributes:
        name: the play.
        after: names of earlier stages that must have ended well on all their hosts.
        batch: how many hosts at a time may be disrupted; 0 = all.
        units: what to do, by host.
    """

    name: str
    after: tuple[str, ...]
    batch: int
    units: Mapping[str, Unit]


@dataclass(frozen=True, slots=True)
class Node:
    """A stage's unit on *host*, or, with no host, the gate behind all its units."""

    stage: int
    host: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """A unit is over; *fatal* ends the whole run."""

    node: Node
    good: bool
    fatal: ProvisionError | None = None


@dataclass(slots=True)
class Batches:
    """The units of a stage that would change something, a few at a time.

    They begin when all hosts have come this far, so that nothing is disrupted before
    everything is prepared. Units with nothing to do pass by.

    Attributes:
        size: how many run together.
        coming: how many units of the stage are not here yet.
        waiting: those that are, in the order they came.
        running: the present batch; the next begins when all of it ended well.
        by: the unit that did not, and so ended it all.
    """

    size: int
    coming: int
    waiting: list[Node] = field(default_factory=list)
    running: set[Node] = field(default_factory=set)
    by: str = ""

    def take(self) -> list[Node]:
        """The units whose turn it is now."""
        if self.coming or self.running:
            return []
        size = len(self.waiting) if self.by else self.size
        taken, self.waiting = self.waiting[:size], self.waiting[size:]
        return taken


Graph = dict[Node, tuple[Node, ...]]
Queue = queue.Queue[Event | Ended]
Work = Callable[[str, Unit, int], bool]
"""Runs a host's unit, told how many changes other hosts have seen; True = good."""


def graph(stages: Sequence[Stage], *, gates: bool = True) -> Graph:
    """What each unit and gate waits for.

    Args:
        stages: in file order; a host's units run in this order.
        gates: False leaves out gates, for runs that change nothing.
    """
    nodes: Graph = {}
    last: dict[str, Node] = {}
    ends: dict[str, Node] = {}
    for number, stage in enumerate(stages):
        opened = [ends[name] for name in stage.after if gates and name in ends]
        units = [Node(number, host) for host in stage.units]
        for unit in units:
            own = [last[unit.host]] if unit.host in last else []
            nodes[unit] = (*own, *opened)
            last[unit.host] = unit
        ends[stage.name] = Node(number)
        nodes[ends[stage.name]] = tuple(units)
    return nodes


def new_queue() -> Queue:
    """Where workers put events, and `drive` takes them."""
    return queue.Queue(QUEUE_EVENTS)


class Scheduler:
    """One pass over the units of a run, each started as its turn comes.

    Args:
        stages: see `graph`.
        work: runs a unit, in a thread of the pool.
        idle: whether a unit has nothing to do, by what is known; asks no host.
        events: what workers say goes here.
        report: takes each event, in the thread that calls `run`.
        gates: whether gates and batches hold units back.
        interrupted: once set, nothing new is started.
        halt: called then, once: makes what runs end soon.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        work: Work,
        *,
        idle: Callable[[str, Unit], bool],
        events: Queue,
        report: Emit,
        gates: bool,
        interrupted: threading.Event,
        halt: Callable[[], None],
    ) -> None:
        self._stages = stages
        self._work = work
        self._idle = idle
        self._events = events
        self._report = report
        self._interrupted = interrupted
        self._halt = halt
        self._nodes = graph(stages, gates=gates)
        self._order = TopologicalSorter(self._nodes)
        self._batches = {
            number: Batches(stage.batch, coming=len(stage.units))
            for number, stage in enumerate(stages)
            if gates and stage.batch
        }
        self._bad: dict[Node, str] = {}
        self._running = 0
        self._changes: dict[str, int] = {}
        self._stopping = ""
        self._fatal: ProvisionError | None = None

    def run(self, forks: int) -> None:
        """Run all units in *forks* threads.

        Raises:
            ProvisionError: a unit met something that ends the whole run.
        """
        self._order.prepare()
        with ThreadPoolExecutor(forks, thread_name_prefix="host") as pool:
            while self._order.is_active():
                for node in self._order.get_ready():
                    self._arrive(pool, node)
                for batches in self._batches.values():
                    self._next(pool, batches)
                if self._running:
                    self._wait()
        while not self._events.empty():
            self._take(self._events.get())
        if self._fatal:
            raise self._fatal

    def _arrive(self, pool: ThreadPoolExecutor, node: Node) -> None:
        """Start a unit whose turn has come, unless it must wait for its batch."""
        bad = [self._bad[before] for before in self._nodes[node] if before in self._bad]
        by = bad[0] if bad else self._stopping
        batches = self._batches.get(node.stage) if node.host else None
        if batches:
            batches.coming -= 1
        if by:
            self._refuse(node, by)
        elif not node.host:
            self._order.done(node)
        elif batches and not self._idle(node.host, self._unit(node)):
            batches.waiting.append(node)
        else:
            self._start(pool, node, self._unit(node))

    def _next(self, pool: ThreadPoolExecutor, batches: Batches) -> None:
        """Start the next batch, if it is time."""
        for node in batches.take():
            if by := batches.by or self._stopping:
                self._refuse(node, by)
                continue
            batches.running.add(node)
            # Others were changed while it waited.
            self._start(pool, node, replace(self._unit(node), gated=True))

    def _start(self, pool: ThreadPoolExecutor, node: Node, unit: Unit) -> None:
        self._running += 1
        pool.submit(self._in_thread, node, unit, self._elsewhere(node.host))

    def _refuse(self, node: Node, by: str) -> None:
        """Leave out a unit, or a gate, because of *by*."""
        self._bad[node] = by
        if node.host:
            unit = self._unit(node)
            steps = len(unit.indexes)
            blocked = HostBlocked(host=node.host, play=unit.play, by=by, steps=steps)
            self._report(blocked)
        self._order.done(node)

    def _in_thread(self, node: Node, unit: Unit, elsewhere: int) -> None:
        try:
            end = Ended(node, self._work(node.host, unit, elsewhere))
        except ProvisionError as fatal:
            end = Ended(node, good=False, fatal=fatal)
        except Exception as error:  # noqa: BLE001 - a defect on one host must not hang all
            self._events.put(_internal(node.host, unit.play, error))
            end = Ended(node, good=False)
        self._events.put(end)

    def _wait(self) -> None:
        if self._interrupted.is_set():
            self._stop("the interruption")
        try:
            self._take(self._events.get(timeout=POLL_INTERVAL_S))
        except queue.Empty:
            return

    def _take(self, item: Event | Ended) -> None:
        if isinstance(item, Ended):
            self._end(item)
            return
        if isinstance(item, StepChanged):
            self._changes[item.host] = self._changes.get(item.host, 0) + 1
        self._report(item)

    def _end(self, end: Ended) -> None:
        self._running -= 1
        if not end.good:
            self._bad[end.node] = f"{end.node.host} in {self._unit(end.node).play}"
        batches = self._batches.get(end.node.stage)
        if batches and end.node in batches.running:
            batches.running.remove(end.node)
            batches.by = batches.by or self._bad.get(end.node, "")
        if end.fatal and not self._fatal:
            self._fatal = end.fatal
            self._stop("the end of the run")
        self._order.done(end.node)

    def _stop(self, why: str) -> None:
        if not self._stopping:
            self._stopping = why
            self._halt()

    def _elsewhere(self, host: str) -> int:
        return sum(self._changes.values()) - self._changes.get(host, 0)

    def _unit(self, node: Node) -> Unit:
        return self._stages[node.stage].units[node.host]


def _internal(host: str, play: str, error: Exception) -> HostFailed:
    failure = InternalError(
        f"internal error: {type(error).__name__}: {error}",
        hint="please report it, with these lines",
        details="".join(traceback.format_exception(error)).splitlines(),
    )
    return HostFailed(host=host, play=play, error=failure)
