"""A bound playbook on real hosts: connections, the lock, the schedule, the end."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Mapping

from provision.config.inventory import Host, Inventory
from provision.config.playbook import Bound
from provision.engine.audit import Audit
from provision.engine.converge import Convergence, Unit
from provision.engine.lock import ClusterLock
from provision.engine.scheduler import Queue, Scheduler, Stage, new_queue
from provision.engine.session import Item
from provision.model.events import Emit, HostDone, RunEnded, RunStarted, Warned
from provision.model.mode import Mode
from provision.transport.connect import Connect, transport
from provision.transport.sudo_password import Passwords


def execute(
    bound: Bound,
    inventory: Inventory,
    *,
    mode: Mode,
    forks: int,
    report: Emit,
    interrupted: threading.Event,
    connect: Connect | None = None,
) -> None:
    """Run *bound*; everything that happens is reported, also when it ends badly.

    Args:
        bound: plays with their steps, by host.
        inventory: where they came from; its head holds the cluster's lock.
        mode: `Mode.APPLY` changes hosts; the others only probe them.
        forks: hosts worked on at a time.
        report: called with each event, in this thread.
        interrupted: once set, the run ends soon.
        connect: returns an unopened transport to a host; by default `transport`.

    Raises:
        LockHeldError: another run is changing the cluster.
    """
    started = time.monotonic()
    stages, items = _layout(bound)
    report(_opening(mode, inventory.cluster, stages, items))
    for warning in (*inventory.warnings, *bound.warnings):
        report(Warned(message=warning))
    events = new_queue()
    connect = connect or _connect(events)
    with _lock(inventory, events, connect) as lock:
        audit = Audit(inventory.cluster, bound.secrets)
        crew = _Crew(bound.hosts, items, mode, events, lock, connect, audit)
        drive = Scheduler(
            stages,
            crew.work,
            idle=crew.idle,
            events=events,
            report=report,
            gates=not crew.dry,
            interrupted=interrupted,
            halt=crew.halt,
        )
        try:
            drive.run(forks)
        finally:
            crew.close(report)
            seconds = time.monotonic() - started
            report(RunEnded(seconds=seconds, interrupted=interrupted.is_set()))


def _connect(events: Queue) -> Connect:
    """`transport` for the hosts of one run, which reports each warning once."""
    said: set[str] = set()

    def warn(message: str) -> None:
        if message not in said:
            said.add(message)
            events.put(Warned(message=message))

    return functools.partial(transport, passwords=Passwords(), warn=warn)


class _Crew:
    """All hosts of a run."""

    def __init__(
        self,
        hosts: Mapping[str, Host],
        items: Mapping[str, list[Item]],
        mode: Mode,
        events: Queue,
        lock: ClusterLock,
        connect: Connect,
        audit: Audit,
    ) -> None:
        self.dry = mode is not Mode.APPLY
        self._stopped = threading.Event()
        self._members = {
            name: Convergence(
                name,
                connect(hosts[name]),
                row,
                dry=self.dry,
                emit=events.put,
                before_change=lock.take,
                stopped=self._stopped,
                audit=audit,
            )
            for name, row in items.items()
        }

    def work(self, host: str, unit: Unit, elsewhere: int) -> bool:
        member = self._members[host]
        try:
            return member.run(unit, elsewhere=elsewhere)
        finally:
            # An idle connection costs the controller as well, and sshd a process.
            if unit.indexes.stop == len(member.session.items):
                member.session.close()

    def idle(self, host: str, unit: Unit) -> bool:
        """Whether *unit* has nothing to do on *host*, by what was seen last."""
        return self._members[host].idle(unit)

    def halt(self) -> None:
        """Start nothing more, and end what runs."""
        self._stopped.set()
        for member in self._members.values():
            member.session.close()

    def close(self, report: Emit) -> None:
        """Disconnect, and say what each host took."""
        for name, member in self._members.items():
            member.session.close()
            trips = member.session.round_trips
            report(HostDone(host=name, round_trips=trips, seconds=member.seconds))


def _layout(bound: Bound) -> tuple[list[Stage], dict[str, list[Item]]]:
    """The plays as stages, and each host's steps in one row."""
    items: dict[str, list[Item]] = {}
    stages = []
    for play in bound.plays:
        units = {}
        for host, steps in play.steps.items():
            row = items.setdefault(host, [])
            start = len(row)
            row.extend(Item(play.name, play.become[host], step) for step in steps)
            units[host] = Unit(play.name, range(start, len(row)), bool(play.after))
        stages.append(Stage(play.name, play.after, play.batch, units))
    return stages, items


def _opening(
    mode: Mode, cluster: str, stages: list[Stage], items: Mapping[str, list[Item]]
) -> RunStarted:
    return RunStarted(
        mode=mode,
        cluster=cluster,
        plays=tuple(stage.name for stage in stages if stage.units),
        steps={host: len(row) for host, row in items.items()},
    )


def _lock(inventory: Inventory, events: Queue, connect: Connect) -> ClusterLock:
    """The cluster's lock: on its head, or where there is none on its first host."""
    heads = inventory.groups.get("head", ())
    keeper = inventory.hosts[next(iter(heads or inventory.hosts))]
    return ClusterLock(
        inventory.cluster,
        lambda: connect(keeper),
        become=keeper.become,
        warn=lambda message: events.put(Warned(message=message, host=keeper.name)),
    )
