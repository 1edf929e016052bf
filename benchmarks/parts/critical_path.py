"""A cold deploy, simulated: our own scheduler on hosts that only sleep.

The engine is ours (scheduler.py, converge.py, session.py); the transport answers each
script as a host would, after the time the step is scripted to take. So the makespan
shows what the schedule adds to the critical path of the work, and what a schedule
with a barrier after each step would.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from random import Random
from typing import Any

from benchmarks.tables import Goal, Section, goals_table, table
from provision.api import FORKS
from provision.config.inventory import Inventory
from provision.config.playbook import Bound, BoundPlay
from provision.engine.change_control.audit import Audit
from provision.engine.host.converge import HostPlay
from provision.engine.runner import execute
from provision.engine.scheduler import Node, ScheduledPlay, graph
from provision.model.change import Change, State
from provision.model.mode import Mode
from provision.model.result import Run
from provision.model.shell import Reply, Sh
from provision.model.step import BoundStep, Step
from provision.testing import FakeTransport

HOSTS = 20
SLOW_EVERY = 10
SLOWER = 3.0
"""One host in so many takes so much longer for everything."""
UNEVEN = 0.4
"""Largest distance of a step's time from its kind's, as a share."""
PROBE_S = 0.005
SEED = 4
WORK = re.compile(r"^label='([^']*)'\nseconds='([^']*)'$", re.MULTILINE)
PLAYS: tuple[tuple[str, str, tuple[str, ...], tuple[tuple[str, float], ...]], ...] = (
    ("hosts", "all", (), (("engine", 0.8), ("image", 1.0), ("folders", 0.05))),
    ("exporters", "all", (), (("download", 0.3), ("service", 0.1))),
    ("metrics", "head", (), (("download", 0.6), ("prometheus", 0.1), ("grafana", 0.2))),
    ("head", "head", (), (("head container", 0.5),)),
    ("workers", "workers", ("head",), (("worker container", 0.4),)),
    ("nodes", "head", ("workers",), (("nodes are alive", 0.05),)),
)
"""Plays as a deploy has them: name, hosts, what it waits for, and the steps' seconds."""


class Work(Step, kind="work"):
    """Something that takes so many seconds, once."""

    label: str
    seconds: float

    @property
    def title(self) -> str:
        return self.label

    def probe(self) -> Sh:
        return Sh.of("probe", label=self.label, seconds=0)

    def desired(self) -> State:
        return {"done": "true"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of("work", label=self.label, seconds=self.seconds)


def sleeper(factor: float) -> FakeTransport:
    """Return a host that sleeps as long as its `Work` steps take, *factor* times slower."""
    done: set[str] = set()

    def answer(fragment: str) -> Reply:
        work = WORK.search(fragment)
        if not work:  # the line for the host's log
            return Reply()
        label, seconds = work[1], float(work[2])
        if seconds:
            time.sleep(seconds)
            done.add(label)
        return Reply("done=true" if label in done else "")

    return FakeTransport(answers=answer, latency_s=PROBE_S * factor)


class Cold:
    """A cold deploy of so many hosts, with its scripted times.

    Args:
        count: how many hosts; the first is the head.
    """

    def __init__(self, count: int) -> None:
        random = Random(SEED)
        self.names = ["head", *(f"worker{n:02}" for n in range(1, count))]
        slow = self.names[SLOW_EVERY // 2 :: SLOW_EVERY]
        self.factors = {n: SLOWER if n in slow else 1.0 for n in self.names}
        self.seconds = {
            (play, label, name): took
            * self.factors[name]
            * random.uniform(1 - UNEVEN, 1 + UNEVEN)
            for play, hosts, _, steps in PLAYS
            for label, took in steps
            for name in self._members(hosts)
        }

    def critical_path_s(self) -> float:
        """The longest chain in the graph of the plays, gates and hosts."""
        plays = [
            ScheduledPlay(
                play,
                after,
                0,
                tuple(HostPlay(play, name, ()) for name in self._members(hosts)),
            )
            for play, hosts, after, _ in PLAYS
        ]
        nodes = graph(plays)
        seconds: dict[Node, float] = {
            node: sum(self._of(node.play, node.host))
            for node in nodes
            if isinstance(node, HostPlay)
        }
        return critical_path_s(nodes, seconds)

    def barriers_s(self) -> float:
        """Return the seconds when each step waits for the slowest host before it."""
        return sum(
            max(self.seconds[play, label, name] for name in self._members(hosts))
            for play, hosts, _, steps in PLAYS
            for label, _ in steps
        )

    def play_barriers_s(self) -> float:
        """Return the seconds with a barrier after each play only."""
        return sum(
            max(sum(self._of(play, name)) for name in self._members(hosts))
            for play, hosts, _, _ in PLAYS
        )

    def run_s(self, forks: int) -> float:
        """Return the seconds that our scheduler takes."""
        inventory, run = self._inventory(), Run()
        started = time.perf_counter()
        execute(
            self._bound(inventory),
            inventory,
            mode=Mode.APPLY,
            forks=forks,
            report=run,
            interrupted=threading.Event(),
            audit=Audit(inventory.cluster),
            outcome=lambda: run.exit_code,
            connect=lambda host: sleeper(self.factors[host.name]),
        )
        took_s = time.perf_counter() - started
        if run.exit_code or run.changed != len(self.seconds):
            raise SystemExit(f"simulated hosts failed: {run.errors}")
        return took_s

    def _members(self, hosts: str) -> list[str]:
        chosen = {"all": self.names, "head": self.names[:1], "workers": self.names[1:]}
        return chosen[hosts]

    def _of(self, play: str, name: str) -> list[float]:
        return [s for (p, _, n), s in self.seconds.items() if (p, n) == (play, name)]

    def _inventory(self) -> Inventory:
        groups: dict[str, Any] = {
            group: {"hosts": {name: {} for name in self._members(group)}}
            for group in ("head", "workers")
        }
        return Inventory.parse({"all": {"children": groups}}, cluster="simulated")

    def _bound(self, inventory: Inventory) -> Bound:
        plays = [
            BoundPlay(
                play,
                after,
                0,
                {name: self.steps(play, name) for name in self._members(hosts)},
                dict.fromkeys(self._members(hosts), False),
            )
            for play, hosts, after, _ in PLAYS
        ]
        return Bound(tuple(plays), inventory.hosts)

    def steps(self, play: str, name: str) -> tuple[BoundStep, ...]:
        """The steps of a play on a host."""
        return tuple(
            BoundStep(Work(label=f"{p}: {label}", seconds=seconds))
            for (p, label, n), seconds in self.seconds.items()
            if (p, n) == (play, name)
        )


def critical_path_s(
    nodes: Mapping[Node, Iterable[Node]], seconds: Mapping[Node, float]
) -> float:
    """The longest chain of *nodes*, each with what it waits for and its seconds."""
    ends: dict[Node, float] = {}
    for node in TopologicalSorter(nodes).static_order():
        start = max((ends[before] for before in nodes.get(node, ())), default=0.0)
        ends[node] = start + seconds.get(node, 0.0)
    return max(ends.values(), default=0.0)


def measure(*, quick: bool) -> Section:
    """Simulate, and compare."""
    part = Section("Cold: simulated hosts, uneven, one in ten three times slower")
    sizes = [(HOSTS, FORKS)] if quick else [(HOSTS, FORKS), (100, FORKS), (100, 32)]
    rows = []
    for count, forks in sizes:
        cold = Cold(count)
        path_s, took_s = cold.critical_path_s(), cold.run_s(forks)
        rows.append(
            [
                f"{count}",
                f"{forks}",
                f"{path_s:.2f}",
                f"{took_s:.2f}",
                f"{took_s / path_s:.3f}",
                f"{cold.play_barriers_s():.2f}",
                f"{cold.barriers_s():.2f}",
            ]
        )
        if forks >= count:
            what = f"makespan over the critical path, {count} hosts"
            part.goals.append(Goal(what, took_s / path_s, 1.05))
    part.say(
        "Our scheduler and engine; hosts only sleep, as long as their steps are scripted "
        "to take. Makespans include connecting, probes and our own work, critical paths "
        "only the steps. Barriers are computed, with nothing else added: one after each "
        "play, and one after each step (Ansible's default strategy).",
        "",
        *table(HEAD, rows),
    )
    return part


HEAD = (
    *("hosts", "forks", "critical path s", "ours s", "ours / path"),
    *("play barriers s", "step barriers s"),
)


def main() -> None:
    part = measure(quick=False)
    print(part.text(), *goals_table(part.goals), sep="\n")


if __name__ == "__main__":
    main()
