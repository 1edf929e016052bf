"""A cold deploy of `deploy.yml` that is counted: round trips, and processes on each host.

Each step has a stand-in. It runs the text of the real probe, on this machine, and shows none
of it; the state is a file that its change makes. So plays, lanes, gates, batches, waits and
the work of probes are those of a real deploy, and nothing is installed.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Bound
from provision.engine import runner
from provision.engine.change_control.audit import Audit
from provision.engine.host.batch import MOST
from provision.engine.host.converge import Convergence
from provision.model.change import Change, State
from provision.model.events import Event, HostDone, HostFailed, StepChanged, StepFailed
from provision.model.mode import Mode
from provision.model.shell import Reply, Sh
from provision.model.step import BoundStep, Settled, Step
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets
from provision.testing import FakeTransport

HEAD, WORKERS = "node1", ("node2", "node3")
HOSTS = (HEAD, *WORKERS)
INVENTORY = {
    "all": {
        "vars": {"ray_num_cpus": 1, "ray_object_store_memory_mb": 100},
        "children": {
            "head": {"hosts": {HEAD: {"address": "127.0.0.1"}}},
            "workers": {"hosts": {n: {"address": f"127.0.0.{n[-1]}"} for n in WORKERS}},
        },
    }
}
FINE = (
    "gpus_seen",
    "nvidia_metrics",
    "ray_firewall_absent",
    "ray_network",
    "ray_runtime",
    "ray_runtime_change",
    "retired_secrets",
)
"""Kinds that find nothing to do on a bare host."""
REAL_PROBE = "exec >/dev/null 2>&1\ntrap 'exit 0' EXIT\n"
"""Before the text of the real probe: it is run, and what it says is not shown."""
LOOK = '[ ! -e "$marks/$mark.mark" ] || echo state=good\n'
LOOK_AT_ALL = 'for mark; do [ ! -e "$marks/$mark.mark" ] || echo "good=$mark"; done\n'
MAKE = 'for mark; do : >"$marks/$mark.mark"; done'
PROGRAMS = ("curl", "docker", "logger", "nvidia-smi", "systemctl")
"""Programs that a bare host does not have, or that would ask or tell this machine."""
COUNTER = """log=$(mktemp "$1/XXXXXX")
sh -s
code=$?
times >"$log"
sh -c 'echo $$' >>"$log"
exit "$code"
"""
"""A shell that is the first process of its namespace: numbers of processes are a count.

It notes three lines: its own CPU time, that of what it ran, and the last number.
"""
OWN_PROCESSES = 4
"""Those of the counter itself: its shell and that of the script, mktemp, and the shell that
tells the number."""


def possible() -> bool:
    """Tell whether processes can be counted here."""
    attempt = ["unshare", "--pid", "--fork", "true"]
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run(attempt, capture_output=True, check=False).returncode
    )


class StandIn(Step, kind="stand_in"):
    """A step that probes as *original* does; its state is a file for each of *names*."""

    original: Any
    marks: str
    names: tuple[str, ...]

    def probe(self) -> Sh:
        real: Sh = self.original.probe()
        if real.mergeable:
            params = {**real.params, "marks": self.marks}
            return replace(
                real, text=LOOK_AT_ALL + REAL_PROBE + real.text, params=params
            )
        [name] = self.names
        params = {**real.params, "marks": self.marks, "mark": name}
        return replace(real, text=LOOK + REAL_PROBE + real.text, params=params)

    def observe(self, reply: Reply) -> State:
        lines = set(reply.stdout.splitlines())
        return {"state": "good"} if self._lines <= lines else {}

    @property
    def _lines(self) -> set[str]:
        if self.original.probe().mergeable:
            return {f"good={name}" for name in self.names}
        return {"state=good"}

    def desired(self) -> State:
        return {"state": "good"}

    def settled(self) -> Settled | None:
        return self._good if self.original.settled() is not None else None

    def wait_ends(self) -> tuple[Settled, ...]:
        return (self._good,) if self.original.wait_ends() else ()

    @property
    def _good(self) -> Settled:
        return Settled(tuple((line,) for line in sorted(self._lines)))

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(MAKE, *self.names, marks=self.marks)


class StandInCheck(StandIn, kind="stand_in_check"):
    """A check, which finds what an earlier step has made."""

    checks_only = True


@dataclass
class Deploy:
    """The costs of a cold deploy.

    Attributes:
        trips: round trips by host.
        changed: the number of steps that changed, by host.
        processes: started by its scripts, by host.
        cpu_s: CPU seconds of its scripts, by host.
    """

    trips: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    processes: dict[str, int] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)


def deploy(folder: Path, *, most: int = MOST) -> Deploy:
    """Deploy on hosts that are bare, and return what it took.

    Args:
        folder: for files.
        most: most changes in one script; 1 = each in a script of its own.

    Raises:
        AssertionError: a step failed.
    """
    inventory = Inventory.parse(INVENTORY)
    bound = _with_stand_ins(_bound(folder, inventory), folder)
    env = _without_programs(folder)
    shells = {name: _counting(folder, name) for name in HOSTS}
    found = Deploy()

    def report(event: Event) -> None:
        assert not isinstance(event, StepFailed | HostFailed), event
        if isinstance(event, HostDone):
            found.trips[event.host] = event.round_trips
        elif isinstance(event, StepChanged):
            found.changed[event.host] = found.changed.get(event.host, 0) + 1

    with patch.object(runner, "Convergence", partial(Convergence, most=most)):
        runner.execute(
            bound,
            inventory,
            mode=Mode.APPLY,
            forks=len(HOSTS) * 2,
            report=report,
            interrupted=threading.Event(),
            audit=Audit(inventory.cluster),
            outcome=lambda: 0,
            connect=lambda host: FakeTransport(shell=shells[host.name], env=env),
        )
    for name in HOSTS:
        found.processes[name], found.cpu_s[name] = _counted(folder, name)
    return found


def _bound(folder: Path, inventory: Inventory) -> Bound:
    credentials = Credentials(environment={})
    secrets = Secrets(folder / "secrets", SecretMode.GENERATE, credentials)
    book = playbooks.load(playbooks.find("deploy"))
    return playbooks.bind(book, inventory, secrets=secrets)


def _with_stand_ins(bound: Bound, folder: Path) -> Bound:
    numbers = itertools.count()
    made: dict[str, str] = {}

    def stand_in(host: str, item: BoundStep) -> BoundStep:
        step = item.step
        probe, own = step.probe(), folder / host
        if probe.mergeable:
            names = probe.args
        elif step.checks_only and step.kind not in FINE:
            names = (made[host],)
        else:
            names = (step.thing.replace("/", "_") or f"step{next(numbers)}",)
            made[host] = names[0]
        _make_folders(own, names, exist=step.kind in FINE)
        kind = StandInCheck if step.checks_only else StandIn
        limits = {"settle_s": step.settle_s, "timeout_s": step.timeout_s}
        return replace(
            item, step=kind(original=step, marks=str(own), names=names, **limits)
        )

    def row(host: str, items: Sequence[BoundStep]) -> tuple[BoundStep, ...]:
        return tuple(stand_in(host, item) for item in items)

    plays = [
        replace(
            play,
            steps={host: row(host, items) for host, items in play.steps.items()},
            become=dict.fromkeys(play.become, False),
        )
        for play in bound.plays
    ]
    return replace(bound, plays=tuple(plays))


def _make_folders(own: Path, names: Sequence[str], *, exist: bool) -> None:
    """Make the folders of the files *names* in *own*; the files too, if they *exist*."""
    for name in names:
        mark = Path(f"{own}/{name}.mark")
        mark.parent.mkdir(parents=True, exist_ok=True)
        if exist:
            mark.touch()


def _without_programs(folder: Path) -> Mapping[str, str]:
    """Return an environment in which PROGRAMS fail."""
    programs = folder / "bin"
    programs.mkdir()
    for name in PROGRAMS:
        path = programs / name
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)
    search = f"{programs}:{os.environ['PATH']}"
    return {**os.environ, "PATH": search, "PROVISION_MANIFEST": f"{folder}/manifest"}


def _counting(folder: Path, host: str) -> tuple[str, ...]:
    """Return a shell that notes how many processes each script of *host* has started."""
    counter = folder / "counter.sh"
    counter.write_text(COUNTER)
    log = folder / f"{host}.processes"
    log.mkdir()
    return ("unshare", "--pid", "--fork", "sh", str(counter), str(log))


def _counted(folder: Path, host: str) -> tuple[int, float]:
    """Return how many processes the scripts of *host* started, and their CPU seconds."""
    started, seconds = 0, 0.0
    for log in (folder / f"{host}.processes").iterdir():
        _, of_script, number = log.read_text().splitlines()
        started += int(number) - OWN_PROCESSES
        seconds += sum(map(_seconds, of_script.split()))
    return started, seconds


def _seconds(word: str) -> float:
    """Return `1m2.5s` as a number."""
    minutes, _, seconds = word.removesuffix("s").partition("m")
    return int(minutes) * 60 + float(seconds)
