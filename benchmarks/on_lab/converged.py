"""A converged cluster: `deploy` with nothing to do against bare Fabric connections.

Whole processes, interpreter start included, in turns; medians and their ratio.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.meter import Cost
from benchmarks.on_lab.by_hand import HOSTS, LAB, ROOT
from benchmarks.on_lab.invoke_task import invoke, run
from benchmarks.tables import Goal, Section, spread, table

PORTS = tuple(str(port) for port, _ in HOSTS.values())
FLOOR = (
    *(sys.executable, "benchmarks/on_lab/fabric_true.py"),
    *(str(LAB / "id_ed25519"), str(LAB / "known_hosts"), *PORTS),
)
DEPLOY = ("deploy", "--inventory", str(ROOT / "inventories/lab.yml"))
LIMIT = 2.0
"""Wall over that of Fabric's connect and `true`: a goal."""
EACH_ROUND = 3
"""Turns in a round: a converged deploy takes less than a second."""


def measure(*, rounds: int) -> Section:
    """Return what a deploy takes that has nothing to do."""
    part = Section("Converged: a deploy of the lab with nothing to do")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        for _ in range(2):  # converges, and warms up
            invoke(*DEPLOY, "--report", str(report))
        hosts = json.loads(report.read_text())["hosts"]
    runs: dict[str, list[Cost]] = {"fabric connect + true": [], "deploy": []}
    for _ in range(rounds * EACH_ROUND):
        runs["fabric connect + true"].append(run(FLOOR))
        runs["deploy"].append(invoke(*DEPLOY))
    rows = [
        [who, spread([c.wall_s for c in costs]), spread([c.cpu_s for c in costs])]
        for who, costs in runs.items()
    ]
    trips = ", ".join(f"{name} {host['round_trips']}" for name, host in hosts.items())
    part.say(
        f"{len(hosts)} hosts, {rounds * EACH_ROUND} turns. Round trips: {trips}.",
        "",
        *table(["who", "wall s", "controller CPU s"], rows),
    )
    floor_s, ours_s = (
        statistics.median(c.wall_s for c in one) for one in runs.values()
    )
    what = "converged deploy on the lab, over Fabric connect + true"
    part.goals.append(Goal(what, ours_s / floor_s, LIMIT))
    return part
