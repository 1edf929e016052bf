"""A bound playbook on real hosts: connections, the lock, the schedule, the end."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from provision.config.inventory import Inventory
from provision.config.playbook import Bound
from provision.engine.change_control.audit import Audit
from provision.engine.change_control.lock import ClusterLock
from provision.engine.change_control.notes import Notes, notes_with
from provision.engine.host.connection import HostConnection, HostStep
from provision.engine.host.converge import Convergence, HostPlay
from provision.engine.host.session import ChangeClock
from provision.engine.scheduler import Queue, ScheduledPlay, Scheduler, new_queue
from provision.model.events import Emit, HostDone, RunEnded, RunStarted, Warned
from provision.model.mode import Mode
from provision.transport.connect import Connect, transport
from provision.transport.protocol import Transport
from provision.transport.sudo_password import Passwords


def execute(
    bound: Bound,
    inventory: Inventory,
    *,
    mode: Mode,
    forks: int,
    report: Emit,
    interrupted: threading.Event,
    diff: bool = False,
    connect: Connect | None = None,
    audit: Audit,
    outcome: Callable[[], int],
) -> None:
    """Run *bound*; report everything that happens, also when the run fails.

    Args:
        bound: plays with their steps, by host.
        inventory: where they came from; one of them holds the cluster's lock.
        mode: `Mode.APPLY` changes hosts; the others only probe them.
        forks: hosts worked on at a time.
        report: called with each event, in this thread.
        interrupted: once set, the run ends soon.
        diff: report how replaced texts differ.
        connect: returns an unopened transport to a host; by default `transport`.
        audit: makes the lines that the run leaves in the hosts' logs.
        outcome: returns its exit code, for the last of them.

    Raises:
        LockHeldError: another run is changing the cluster.
    """
    started = time.monotonic()
    plays, steps = _layout(bound, lanes=mode is Mode.APPLY)
    _begin(report, _opening(mode, inventory.cluster, plays, steps), inventory, bound)
    events = new_queue()
    connect = connect or _connect(events)
    with _lock(inventory, bound.groups, events, connect) as lock:
        hosts = _HostRuns(
            {name: connect(bound.hosts[name]) for name in steps},
            steps,
            mode=mode,
            events=events,
            before_change=lock.take,
            notes=notes_with(audit),
            diff=diff,
        )
        try:
            hosts.scheduler(plays, report, interrupted, forks).run()
        finally:
            _end(hosts, report, started, interrupted)
            lock.note(audit.end(outcome()))


def _begin(
    report: Emit, opening: RunStarted, inventory: Inventory, bound: Bound
) -> None:
    report(opening)
    for warning in (*inventory.warnings, *bound.warnings):
        report(Warned(message=warning))


def _end(
    hosts: _HostRuns, report: Emit, started: float, interrupted: threading.Event
) -> None:
    hosts.close(report)
    seconds = time.monotonic() - started
    report(RunEnded(seconds=seconds, interrupted=interrupted.is_set()))


def _connect(events: Queue) -> Connect:
    """Return `transport` for the hosts of one run; it reports each warning once."""
    warned: set[str] = set()

    def warn(message: str) -> None:
        if message not in warned:
            warned.add(message)
            events.put(Warned(message=message))

    return functools.partial(transport, passwords=Passwords(), warn=warn)


class _HostRuns:
    """All hosts of a run, by name.

    Args:
        transports: a connection to each host, not yet open.
        steps: all steps of each host.
        mode: `Mode.APPLY` changes hosts; the others only probe them.
        events: where the events of all hosts go.
        before_change: called before each change; raises to forbid it.
        notes: returns what is written on the host before a change.
        diff: report how replaced texts differ.
    """

    def __init__(
        self,
        transports: Mapping[str, Transport],
        steps: Mapping[str, Sequence[HostStep]],
        *,
        mode: Mode,
        events: Queue,
        before_change: Callable[[], None],
        notes: Notes,
        diff: bool,
    ) -> None:
        self._mode, self._events = mode, events
        self._stopped = threading.Event()
        clock = ChangeClock()
        self._connections = {
            name: HostConnection(
                name, transports[name], row, emit=events.put, stopped=self._stopped
            )
            for name, row in steps.items()
        }
        self._lanes = {
            (name, lane): Convergence(
                self._connections[name],
                lane,
                dry=mode is not Mode.APPLY,
                emit=events.put,
                clock=clock,
                before_change=before_change,
                stopped=self._stopped,
                notes=notes,
                diff=diff,
            )
            for name, row in steps.items()
            for lane in dict.fromkeys(step.lane for step in row)
        }

    def scheduler(
        self,
        plays: Sequence[ScheduledPlay],
        report: Emit,
        interrupted: threading.Event,
        forks: int,
    ) -> Scheduler:
        """Return what runs *plays* on these hosts, *forks* at a time."""
        return Scheduler(
            plays,
            self.run,
            idle=self.idle,
            events=self._events,
            report=report,
            gates=self._mode is Mode.APPLY,
            interrupted=interrupted,
            halt=self.halt,
            forks=forks,
        )

    def run(self, *plays: HostPlay, go_on: Callable[[], None]) -> bool:
        """Run *plays*, all of one lane of a host; see `Convergence.run`."""
        first = plays[0]
        return self._lanes[first.host, first.lane].run(*plays, go_on=go_on)

    def idle(self, play: HostPlay) -> bool:
        """Return True if *play* has nothing to do on its host, by the last probe."""
        return self._lanes[play.host, play.lane].idle(play)

    def halt(self) -> None:
        """Start nothing more, and end what runs."""
        self._stopped.set()
        for connection in self._connections.values():
            connection.close()

    def close(self, report: Emit) -> None:
        """Disconnect, and report the round trips and seconds of each host."""
        for name, host in self._connections.items():
            host.close()
            trips = host.round_trips
            report(HostDone(host=name, round_trips=trips, seconds=host.seconds))


def _layout(
    bound: Bound, *, lanes: bool
) -> tuple[list[ScheduledPlay], dict[str, list[HostStep]]]:
    """Return the plays for the scheduler, and all steps of each host in one list.

    Args:
        bound: the plays.
        lanes: False puts all plays of a host into one lane: a plan follows their order.
    """
    by_host: dict[str, list[HostStep]] = {}
    plays = []
    for play in bound.plays:
        on_hosts, lane = [], play.lane if lanes else ""
        for host, steps in play.steps.items():
            row = by_host.setdefault(host, [])
            own = tuple(
                HostStep(number, play.name, play.become[host], step, lane)
                for number, step in enumerate(steps, start=len(row))
            )
            row.extend(own)
            gated = bool(play.after or play.batch)
            on_hosts.append(HostPlay(play.name, host, own, gated, lane))
        plays.append(ScheduledPlay(play.name, play.after, play.batch, tuple(on_hosts)))
    return plays, by_host


def _opening(
    mode: Mode,
    cluster: str,
    plays: Sequence[ScheduledPlay],
    steps: Mapping[str, Sequence[HostStep]],
) -> RunStarted:
    return RunStarted(
        mode=mode,
        cluster=cluster,
        plays=tuple(play.name for play in plays if play.on_hosts),
        steps={host: len(row) for host, row in steps.items()},
    )


def _lock(
    inventory: Inventory, groups: Sequence[str], events: Queue, connect: Connect
) -> ClusterLock:
    """Return the lock of the cluster, on the host that inventory or *groups* name."""
    host = inventory.lock_host(groups)
    return ClusterLock(
        inventory.cluster,
        lambda: connect(host),
        become=host.become,
        warn=lambda message: events.put(Warned(message=message, host=host.name)),
    )
