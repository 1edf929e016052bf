"""All hosts of a run: what is ready goes to a pool of threads, gates hold the rest.

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
from dataclasses import dataclass
from graphlib import TopologicalSorter

from provision.converge import Unit
from provision.errors import InternalError, ProvisionError
from provision.events import Emit, Event, HostBlocked, HostFailed, StepChanged

QUEUE_EVENTS = 4096
"""Events on their way; workers wait when reporters fall behind, so memory is bounded."""
HEED_S = 0.2
"""How soon an interruption is heeded while nothing happens."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One play over its hosts, as the scheduler sees it.

    Attributes:
        name: the play.
        after: names of earlier stages that must have ended well on all their hosts.
        batch: how many hosts at a time; 0 = all.
        units: what to do, by host.
    """

    name: str
    after: tuple[str, ...]
    batch: int
    units: Mapping[str, Unit]


@dataclass(frozen=True, slots=True)
class Node:
    """A stage's unit on *host*, or, with no host, the gate behind its *batch*."""

    stage: int
    host: str = ""
    batch: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """A unit is over; *fatal* ends the whole run."""

    node: Node
    good: bool
    fatal: ProvisionError | None = None


Graph = dict[Node, tuple[Node, ...]]
Queue = queue.Queue[Event | Ended]
Work = Callable[[str, Unit, int], bool]
"""Runs a host's unit, told how many changes other hosts have seen; True = good."""


def graph(stages: Sequence[Stage], *, gates: bool = True) -> Graph:
    """What each unit and gate waits for.

    Args:
        stages: in file order; a host's units run in this order.
        gates: False leaves out gates and batches, for runs that change nothing.
    """
    nodes: Graph = {}
    last: dict[str, Node] = {}
    ends: dict[str, Node] = {}
    for number, stage in enumerate(stages):
        opened = [ends[name] for name in stage.after if gates and name in ends]
        for batch, hosts in enumerate(_batches(stage, gates)):
            units = [Node(number, host) for host in hosts]
            for unit in units:
                own = [last[unit.host]] if unit.host in last else []
                nodes[unit] = (*own, *opened)
                last[unit.host] = unit
            gate = Node(number, batch=batch)
            nodes[gate] = tuple(units)
            opened, ends[stage.name] = [gate], gate
    return nodes


def _batches(stage: Stage, gates: bool) -> list[list[str]]:
    hosts = list(stage.units)
    size = stage.batch if gates and stage.batch else len(hosts)
    return [hosts[start : start + size] for start in range(0, len(hosts), size or 1)]


def new_queue() -> Queue:
    """Where workers put events, and `drive` takes them."""
    return queue.Queue(QUEUE_EVENTS)


class Drive:
    """One pass over the units of a run, each started as its turn comes.

    Args:
        stages: see `graph`.
        work: runs a unit, in a thread of the pool.
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
        events: Queue,
        report: Emit,
        gates: bool,
        interrupted: threading.Event,
        halt: Callable[[], None],
    ) -> None:
        self._stages = stages
        self._work = work
        self._events = events
        self._report = report
        self._interrupted = interrupted
        self._halt = halt
        self._nodes = graph(stages, gates=gates)
        self._order = TopologicalSorter(self._nodes)
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
                    self._start(pool, node)
                if self._running:
                    self._wait()
        while not self._events.empty():
            self._take(self._events.get())
        if self._fatal:
            raise self._fatal

    def _start(self, pool: ThreadPoolExecutor, node: Node) -> None:
        """Hand a unit to the pool, unless what it waited for failed."""
        bad = [self._bad[before] for before in self._nodes[node] if before in self._bad]
        by = bad[0] if bad else self._stopping
        if node.host and not by:
            self._running += 1
            pool.submit(self._in_thread, node, self._elsewhere(node.host))
            return
        if by:
            self._bad[node] = by
            self._block(node, by)
        self._order.done(node)

    def _in_thread(self, node: Node, elsewhere: int) -> None:
        unit = self._unit(node)
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
            self._take(self._events.get(timeout=HEED_S))
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
        if end.fatal and not self._fatal:
            self._fatal = end.fatal
            self._stop("the end of the run")
        self._order.done(end.node)

    def _stop(self, why: str) -> None:
        if not self._stopping:
            self._stopping = why
            self._halt()

    def _block(self, node: Node, by: str) -> None:
        if node.host:
            unit = self._unit(node)
            steps = len(unit.indexes)
            blocked = HostBlocked(host=node.host, play=unit.play, by=by, steps=steps)
            self._report(blocked)

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
