"""Distance: a cold deploy of hosts behind 100 ms, against the same without latency.

The hosts are simulated: their scripts run in a shell of this machine, in a folder for each,
and each round trip is delayed. What they download takes the same time in both.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.tables import Goal, Section, spread, table
from provision.config.inventory import Inventory
from provision.config.playbook import Bound, BoundPlay
from provision.engine.change_control.audit import Audit
from provision.engine.runner import execute
from provision.model.change import Change, State
from provision.model.events import Event, HostDone, StepFailed
from provision.model.mode import Mode
from provision.model.shell import Sh
from provision.model.step import BoundStep, Step
from provision.testing import FakeTransport

HOSTS = 2
STEPS = 30
DOWNLOADS = 3
DOWNLOAD_S = 3.0
"""Together, in a cold deploy of the lab's head with metrics, it is more."""
SETTLES = 2
SETTLE_AFTER_S = 1.0
RTTS_MS = (0, 100)
ROUNDS = 3
GROWTH = 1.15
"""Wall with the greatest latency over that without any: a goal."""
LOOK = '[ ! -e "$path" ] || echo state=good'
MAKE = 'sleep "$download_s"; (sleep "$after_s"; : >"$path") >/dev/null 2>&1 &\n'
MAKE_NOW = 'sleep "$download_s"; : >"$path"'


class Made(Step, kind="made"):
    """A file that is downloaded, and is there some time after."""

    path: str
    download_s: float = 0
    after_s: float = 0

    def probe(self) -> Sh:
        return Sh.of(LOOK, path=self.path)

    def desired(self) -> State:
        return {"state": "good"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        path, download_s = self.path, self.download_s
        if self.after_s:
            return Sh.of(MAKE, path=path, download_s=download_s, after_s=self.after_s)
        return Sh.of(MAKE_NOW, path=path, download_s=download_s)


def measure(*, quick: bool) -> Section:
    """Return how much longer a cold deploy takes where the hosts are far away."""
    part = Section("Distance: a cold deploy of simulated hosts behind 100 ms")
    walls: dict[int, list[float]] = {rtt: [] for rtt in RTTS_MS}
    trips: dict[int, int] = {}
    for _ in range(1 if quick else ROUNDS):
        for rtt in RTTS_MS:
            wall_s, trips[rtt] = _deploy(rtt / 1000)
            walls[rtt].append(wall_s)
    rows = [[f"{rtt} ms", spread(walls[rtt]), str(trips[rtt])] for rtt in RTTS_MS]
    part.say(
        f"{HOSTS} hosts, {STEPS} steps, of which {DOWNLOADS} download for {DOWNLOAD_S:g} s "
        f"and {SETTLES} settle {SETTLE_AFTER_S:g} s after their change.",
        "",
        *table(["round trip time", "wall s", "round trips of a host"], rows),
    )
    near, far = (statistics.median(walls[rtt]) for rtt in RTTS_MS)
    part.goals.append(
        Goal(f"wall at {RTTS_MS[-1]} ms over that at 0 ms", far / near, GROWTH)
    )
    return part


def _steps(folder: Path) -> list[Step]:
    every = STEPS // DOWNLOADS
    found: list[Step] = []
    for number in range(STEPS):
        downloads = DOWNLOAD_S if number % every == 0 else 0
        settles = number % (STEPS // SETTLES) == 1
        after_s = SETTLE_AFTER_S if settles else 0
        found.append(
            Made(
                path=str(folder / f"file{number}"),
                download_s=downloads,
                after_s=after_s,
                settle_s=60 if settles else 0,
            )
        )
    return found


def _deploy(rtt_s: float) -> tuple[float, int]:
    """Return the wall time of a deploy on bare hosts, and the round trips of the last."""
    names = [f"node{number}" for number in range(HOSTS)]
    inventory = Inventory.parse({"all": {"hosts": {name: {} for name in names}}})
    done: list[HostDone] = []

    def report(event: Event) -> None:
        if isinstance(event, StepFailed):
            raise SystemExit(f"{event.step} failed: {event.error}")
        if isinstance(event, HostDone):
            done.append(event)

    with tempfile.TemporaryDirectory() as folder:
        steps = {}
        for name in names:
            own = Path(folder, name)
            own.mkdir()
            steps[name] = tuple(BoundStep(step) for step in _steps(own))
        play = BoundPlay("made", (), 0, steps, dict.fromkeys(names, False), "")
        started_s = time.monotonic()
        execute(
            Bound((play,), inventory.hosts),
            inventory,
            mode=Mode.APPLY,
            forks=HOSTS,
            report=report,
            interrupted=threading.Event(),
            audit=Audit(inventory.cluster),
            outcome=lambda: 0,
            connect=lambda host: FakeTransport(latency_s=rtt_s),
        )
        return time.monotonic() - started_s, done[-1].round_trips
