"""All measurements on the lab: `python -m benchmarks.on_lab`, or `invoke bench.lab`.

Prints Markdown; with all parts and three rounds at least it also writes benchmarks/LAB.md,
which `invoke bench` takes into RESULTS.md as it is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.on_lab import cold, converged
from benchmarks.tables import Section, goals_table, machine

ROUNDS = 3
FILE = Path(__file__).parents[1] / "LAB.md"
PARTS: dict[str, Callable[..., Section]] = {
    "converged": converged.measure,
    "cold": cold.measure,
}


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.on_lab", description=__doc__
    )
    parser.add_argument("--only", default=",".join(PARTS), help="parts (%(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="of each part (%(default)s)"
    )
    given = parser.parse_args()
    names = given.only.split(",")
    if given.rounds < 1 or not set(names) <= set(PARTS):
        parser.error(
            f"--only takes {', '.join(PARTS)}, and --rounds a number from 1 on"
        )
    head = machine()
    parts = [PARTS[name](rounds=given.rounds) for name in names]
    text = report(head, parts, given.rounds)
    print(text)
    if given.rounds >= ROUNDS and names == list(PARTS):
        FILE.write_text(text)


def report(head: list[str], parts: list[Section], rounds: int) -> str:
    """Return the results in Markdown."""
    made = (
        f"Made by `invoke bench.lab` on {time.strftime('%Y-%m-%d')}, {rounds} rounds."
    )
    goals = [goal for part in parts for goal in part.goals]
    lines = ["## The lab", "", made, "", *head, "", *goals_table(goals), ""]
    return "\n".join([*lines, *(part.text() for part in parts)])


if __name__ == "__main__":
    main()
