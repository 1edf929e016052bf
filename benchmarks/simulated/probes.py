"""Probes: what those of a cold deploy cost its hosts, in batches and one step at a time.

The hosts are stand-ins that run the real probes; see `tests/support/cold_deploy.py`.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from support.cold_deploy import HEAD, Deploy, deploy

from benchmarks.tables import Goal, Section, spread, table
from provision.engine.host.batch import MOST

ROUNDS = 3
SHARE = 0.25
"""CPU of the probes over that of one step at a time: a goal."""
TRIPS = 12
"""Round trips of the head: a goal."""


def measure(*, quick: bool) -> Section:
    """Return processes and CPU of the head, in batches and one step at a time."""
    part = Section("Probes: a cold deploy of deploy.yml, with metrics, on its head")
    ways = {"in batches": MOST, "one step at a time": 1}
    runs: dict[str, list[Deploy]] = {way: [] for way in ways}
    for _ in range(1 if quick else ROUNDS):
        for way, most in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                runs[way].append(deploy(Path(folder), most=most))
    rows = [
        [
            way,
            spread([run.trips[HEAD] for run in found], 0),
            spread([run.processes[HEAD] for run in found], 0),
            spread([run.cpu_s[HEAD] for run in found]),
        ]
        for way, found in runs.items()
    ]
    head = ["changes are sent", "round trips", "processes", "host's CPU s"]
    part.say(
        f"{runs['in batches'][0].changed[HEAD]} steps change. The hosts run the real "
        "probes and make no real change, so this is what probes, guards and notes cost.",
        "",
        *table(head, rows),
    )
    batches, single = (
        statistics.median(d.cpu_s[HEAD] for d in found) for found in runs.values()
    )
    trips = statistics.median(d.trips[HEAD] for d in runs["in batches"])
    part.goals += [
        Goal("CPU of probes over that of one step at a time", batches / single, SHARE),
        Goal("round trips of a cold head with metrics, simulated", trips, TRIPS),
    ]
    return part
