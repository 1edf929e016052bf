"""Costs of the contenders as a table with ratios, compared with the goals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.tables import Goal, Section, spread, table

OURS = "ours: deploy"
FLOOR = "floor: paramiko Transport, one exec"
CONNECT = "connect and authenticate only"
TUNED = "ansible-core, tuned"
MITOGEN = "ansible-core, mitogen"
PYINFRA = "pyinfra"
MANY, MOST = 100, 500
HEAD = (
    *("who", "N", "runs", "wall s", "controller CPU s", "hosts' CPU s, each"),
    *("execs, each", "peak MiB", "wall / floor", "CPU / floor"),
)
NOTE = (
    "Whole processes, interpreter start and imports included; cold SSH connections in "
    "every run; median (least-greatest) of interleaved runs. **All hosts share the "
    "controller's cores**, so wall ratios at N >= 10 are properties of this farm; the "
    "controller's CPU and the hosts' CPU carry over to real labs. Memory is that of all "
    "its processes at once, files not counted."
)


@dataclass(slots=True)
class Runs:
    """Costs of a contender on some number of hosts, run by run."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    hosts_s: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)
    execs: list[float] = field(default_factory=list)
    failed: int = 0


class Results:
    """All runs, by contender and number of hosts."""

    def __init__(self) -> None:
        self.runs: dict[tuple[str, int], Runs] = {}
        self.skipped: list[tuple[str, int]] = []

    def of(self, name: str, size: int) -> Runs:
        """The runs of a contender on *size* hosts; made if there are none."""
        return self.runs.setdefault((name, size), Runs())

    def middle(self, what: str, name: str, size: int) -> float:
        """The median of *what* (a field of Runs); nan where there was no run."""
        runs = self.runs.get((name, size))
        values = getattr(runs, what) if runs else []
        return float(statistics.median(values)) if values else math.nan

    def expected_s(self, name: str, size: int) -> float:
        """Wall seconds of a run that was not yet made, from one on fewer hosts."""
        known = [n for who, n in self.runs if who == name and n < size]
        if not known:
            return 0.0
        return self.middle("wall_s", name, max(known)) / max(known) * size

    def ratio(self, what: str, name: str, other: str, size: int) -> float:
        """A contender's median over another's."""
        return self.middle(what, name, size) / self.middle(what, other, size)

    def series(self) -> dict[str, list[tuple[int, float]]]:
        """Wall seconds over N by contender, for the plot."""
        lines: dict[str, list[tuple[int, float]]] = {}
        for name, size in sorted(self.runs, key=lambda run: run[1]):
            wall_s = self.middle("wall_s", name, size)
            if not math.isnan(wall_s):
                lines.setdefault(name, []).append((size, wall_s))
        return lines


def section(results: Results) -> Section:
    """The table and the goals."""
    part = Section("Converged: fifteen things looked at on N hosts")
    order = sorted(results.runs, key=lambda run: run[1])
    rows = [_row(results, name, size) for name, size in order]
    part.say(NOTE, "", *table(HEAD, rows), "")
    part.say(*_remarks(results))
    part.say("![wall time over N](results.png)")
    part.goals += [goal for goal in _goals(results) if not math.isnan(goal.measured)]
    return part


def _remarks(results: Results) -> Iterator[str]:
    runs = results.runs.items()
    single = [f"{name} (N={size})" for (name, size), r in runs if len(r.wall_s) == 1]
    if len(single) < len(results.runs):
        yield from (
            "One run only, so with no spread: " + (", ".join(single) or "none"),
            "",
        )
    for name, size in results.skipped:
        wall_s = results.expected_s(name, size)
        yield (
            f"**Not run: {name} on {size} hosts.** It would have taken about {wall_s:.0f} s "
            "here, more than was left of the time for all."
        )
        yield ""


def _row(results: Results, name: str, size: int) -> list[str]:
    runs = results.of(name, size)
    failed = f", {runs.failed} failed" if runs.failed else ""
    execs, peak_mib = runs.execs, runs.peak_mib
    return [
        name,
        str(size),
        f"{len(runs.wall_s)}{failed}",
        spread(runs.wall_s),
        spread(runs.cpu_s),
        spread(runs.hosts_s, 3),
        f"{statistics.median(execs):g}" if execs else "-",
        f"{max(peak_mib):.0f}" if peak_mib else "-",
        times(results.ratio("wall_s", name, FLOOR, size)),
        times(results.ratio("cpu_s", name, FLOOR, size)),
    ]


def times(ratio: float) -> str:
    """A ratio, with as many digits as it deserves."""
    if math.isnan(ratio):
        return "-"
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2f}"


def _goals(results: Results) -> Iterator[Goal]:
    at, wall, cpu = f"at N={MANY}", "wall_s", "cpu_s"
    ratio, middle = results.ratio, results.middle
    yield Goal(f"wall over the floor's, {at}", ratio(wall, OURS, FLOOR, MANY), 1.15)
    yield Goal(
        f"controller CPU over the floor's, {at}", ratio(cpu, OURS, FLOOR, MANY), 1.4
    )
    yield Goal(
        f"tuned Ansible's controller CPU over ours, {at}",
        ratio(cpu, TUNED, OURS, MANY),
        70,
        at_least=True,
    )
    yield Goal(
        f"pyinfra's controller CPU over ours, {at}",
        ratio(cpu, PYINFRA, OURS, MANY),
        5,
        at_least=True,
    )
    hosts_s = middle("hosts_s", OURS, MANY)
    yield Goal(f"CPU of each host, {at}", hosts_s, 0.06, unit=" s")
    growth = middle(wall, OURS, MOST) / MOST / (middle(wall, OURS, MANY) / MANY)
    yield Goal(f"wall per host at N={MOST} over that {at}", growth, 1.2)
    peak_mib = middle("peak_mib", OURS, MOST)
    yield Goal(f"memory at N={MOST}", peak_mib, 250, unit=" MiB")
    yield Goal(f"execs per host, {at}", middle("execs", OURS, MANY), 1)
