"""Bare hosts: `deploy` against the same commands typed by hand over ssh."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.on_lab.by_hand import HOSTS, ROOT, Hands, set_up
from benchmarks.on_lab.invoke_task import invoke
from benchmarks.tables import Goal, Section, spread, table

INVENTORY = ("--inventory", str(ROOT / "inventories/lab.yml"))
LIMIT = 1.1
"""Wall of a deploy over that by hand: a goal."""
TRIPS = 12
"""Round trips of the head, with metrics: a goal."""


def measure(*, rounds: int) -> Section:
    """Return what a cold deploy takes, without metrics and with them."""
    part = Section("Cold: a deploy of bare hosts of the lab, against commands by hand")
    part.say(
        "By hand: the same packages, image and programs with OpenSSH, on all hosts at once; "
        "workers after the head, metrics beside Ray. A host's own commands are those for Ray, "
        "summed without its wait for the head. The longest chain is the wall of all by hand.",
        "",
    )
    rows = []
    for metrics in (False, True):
        hands, walls, trips = _rounds(rounds, metrics=metrics)
        chains = [one.wall_s for one in hands]
        own = [one.own_s for one in hands]
        base = chains if metrics else own
        what = "with metrics" if metrics else "without metrics"
        rows.append([what, *map(spread, (walls, own, chains)), spread(trips, 0)])
        ratio = statistics.median(w / b for w, b in zip(walls, base, strict=True))
        over = (
            "the longest chain by hand"
            if metrics
            else "the slowest host's own commands"
        )
        part.goals.append(Goal(f"cold deploy {what}, over {over}", ratio, LIMIT))
        if metrics:
            most = statistics.median(trips)
            part.goals.append(Goal("round trips of the head, cold", most, TRIPS))
    head = (
        *("cold deploy", "deploy, s", "slowest host's own, s"),
        *("longest chain by hand, s", "round trips of the head"),
    )
    part.say(*table(head, rows))
    return part


def _rounds(
    rounds: int, *, metrics: bool
) -> tuple[Sequence[Hands], Sequence[float], Sequence[float]]:
    """Return what it took by hand, the walls of deploys, and the head's round trips."""
    hands, walls, trips = [], [], []
    for number in range(1, rounds + 1):
        invoke("lab.reset")
        hands.append(set_up(metrics=metrics))
        invoke("lab.reset")
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            sets = ("--set", f"metrics={str(metrics).lower()}")
            cost = invoke("deploy", *INVENTORY, *sets, "--report", str(report))
            hosts = json.loads(report.read_text())["hosts"]
        walls.append(cost.wall_s)
        trips.append(float(hosts[next(iter(HOSTS))]["round_trips"]))
        print(
            f"round {number}, metrics {metrics}: deploy {cost.wall_s:.1f} s, by hand "
            f"{hands[-1].wall_s:.1f} s, own {hands[-1].own_s:.1f} s, head {trips[-1]:.0f} trips",
            flush=True,
        )
    return hands, walls, trips
