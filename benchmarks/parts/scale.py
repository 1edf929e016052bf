"""Scale: one controller and up to 5,000 hosts that are converged, each in a process of its own.

The hosts are simulated: a transport answers each script at once, so what is measured is
the engine alone. `python -m benchmarks.parts.scale HOSTS` is one of those processes.
"""

from __future__ import annotations

import json
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.tables import Goal, Section, table
from provision.config.inventory import Inventory
from provision.config.playbook import Bound, BoundPlay
from provision.engine.change_control.audit import Audit
from provision.engine.runner import execute
from provision.model.change import Change, State
from provision.model.events import Event, HostDone, RunEnded
from provision.model.mode import Mode
from provision.model.script import Script
from provision.model.shell import NOTHING, Sh
from provision.model.step import BoundStep, Step
from provision.transport.protocol import HeldScript, Source

SIZES, QUICK_SIZES = (100, 1000, 2000, 5000), (20, 100)
ROUNDS = 3
STEPS = 15
FORKS = 100
MARKS = re.compile(r"printf '\\n(@\w+) %s\\n' \"\$s\" >&2")
KB_EACH = 60
"""Memory that a host may take: a goal."""
GROWTH = 1.1
"""Wall time of a host among many, over that of one among few: a goal."""


class Same(Step, kind="same"):
    """A thing that is as it should be."""

    name: str

    def probe(self) -> Sh:
        return Sh.of("printf 'state=good\n'", name=self.name)

    def desired(self) -> State:
        return {"state": "good"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING


class Simulated:
    """A transport whose host answers each probe that all is well."""

    quantum_safe = True

    def open(self) -> None:
        """Connect."""

    def run(self, script: Script) -> int:
        """Answer each fragment of *script*."""
        for mark in MARKS.findall(script.text):
            script.stdout(f"state=good\n\n{mark} 0\n".encode())
            script.stderr(f"\n{mark} 0\n".encode())
        return 0

    def stream(self, script: Script, source: Source) -> int:
        """Send nothing: no step here has files."""
        return self.run(script)

    @contextmanager
    def hold(self, script: Script) -> Iterator[HeldScript]:
        """Answer as a host does whose lock is free."""
        yield HeldScript("mine", lambda: True)

    def close(self) -> None:
        """Disconnect."""


def measure(*, quick: bool) -> Section:
    """Return what a host costs, by the number of hosts."""
    part = Section("Scale: one controller, simulated hosts that are converged")
    sizes, rounds = (QUICK_SIZES, 1) if quick else (SIZES, ROUNDS)
    rows, walls, memory = [], {}, {}
    for hosts in sizes:
        found = [_in_a_process(hosts) for _ in range(rounds)]
        wall, cpu, kb = (
            statistics.median(one[key] for one in found)
            for key in ("wall_ms", "cpu_ms", "kb")
        )
        walls[hosts], memory[hosts] = wall, kb
        rows.append([str(hosts), f"{wall:.2f}", f"{cpu:.2f}", f"{kb:.0f}"])
    few, many = sizes[0], sizes[-1]
    part.say(
        f"{STEPS} steps each, {FORKS} at a time, no network and no shell. Medians of "
        f"{rounds}; memory is what is added to that of a process with one host.",
        "",
        *table(["hosts", "wall ms a host", "CPU ms a host", "KB a host"], rows),
    )
    grown = walls[many] / walls[few]
    part.goals += [
        Goal(f"wall of a host among {many}, over one among {few}", grown, GROWTH),
        Goal(f"memory of a host among {many}", memory[many], KB_EACH, unit=" KB"),
    ]
    return part


def _in_a_process(hosts: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.parts.scale", str(hosts)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _run(hosts: int) -> None:
    """Verify *hosts* hosts; every one of them answers once."""
    names = [f"node{number}" for number in range(hosts)]
    inventory = Inventory.parse({"all": {"hosts": {name: {} for name in names}}})
    steps = tuple(BoundStep(Same(name=f"thing{number}")) for number in range(STEPS))
    play = BoundPlay(
        "same", (), 0, dict.fromkeys(names, steps), dict.fromkeys(names, False), ""
    )
    trips: list[int] = []

    def report(event: Event) -> None:
        if isinstance(event, HostDone):
            trips.append(event.round_trips)
        elif isinstance(event, RunEnded) and trips != [1] * hosts:
            raise SystemExit(f"not each host was asked once: {set(trips)}")

    execute(
        Bound((play,), inventory.hosts),
        inventory,
        mode=Mode.APPLY,
        forks=FORKS,
        report=report,
        interrupted=threading.Event(),
        audit=Audit(inventory.cluster),
        outcome=lambda: 0,
        connect=lambda host: Simulated(),
    )


def main() -> None:
    """Run once with few hosts, for all imports, and then with as many as are asked for."""
    hosts = int(sys.argv[1])
    _run(1)
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall_s, cpu_s = time.monotonic(), time.process_time()
    _run(hosts)
    wall_s, cpu_s = time.monotonic() - wall_s, time.process_time() - cpu_s
    kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    each = {"wall_ms": wall_s * 1000, "cpu_ms": cpu_s * 1000, "kb": kb}
    print(json.dumps({key: value / hosts for key, value in each.items()}))


if __name__ == "__main__":
    main()
