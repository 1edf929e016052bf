"""Start-up: what a short command takes, and which of our imports take the time."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import meter
from benchmarks.tables import Goal, Section, goals_table, spread, table

ROUNDS = 7
SLOWEST = 12
INVENTORY = "all: {hosts: {here: {ansible_connection: local, ansible_become: false}}}\n"
PLAYBOOK = """
- play: here
  hosts: all
  steps: [{packages: {names: [bash]}}]
"""
IMPORT = re.compile(r"import time: +(\d+) \| +(\d+) \| ( *)(\S+)")


def measure(*, quick: bool) -> Section:
    """Whole programs, and the imports within them."""
    part = Section("Start-up")
    with tempfile.TemporaryDirectory(prefix="provision-start-") as name:
        folder = Path(name)
        (folder / "here.yml").write_text(INVENTORY)
        (folder / "book.yml").write_text(PLAYBOOK)
        (folder / "tasks.py").write_text(
            "from provision import cli\nnamespace = cli.namespace()\n"
        )
        plan = ["plan", "--inventory", "here.yml", "--playbook", "book.yml"]
        invoke = [sys.executable, "-m", "invoke"]
        rows = []
        for what, argv, limit_s in (
            ("python -c pass", [sys.executable, "-c", "pass"], None),
            ("import paramiko", [sys.executable, "-c", "import paramiko"], None),
            ("invoke --list", [*invoke, "--list"], 0.3),
            ("invoke plan, one local host, nothing to do", [*invoke, *plan], 0.6),
        ):
            costs = [
                meter.run(argv, cwd=folder) for _ in range(3 if quick else ROUNDS + 1)
            ][1:]
            walls = [cost.wall_s for cost in costs]
            rows.append([what, spread(walls), spread([cost.cpu_s for cost in costs])])
            if any(cost.code for cost in costs):
                raise SystemExit(f"{what} failed:\n{costs[0].output}")
            if limit_s:
                part.goals.append(Goal(what, statistics.median(walls), limit_s))
        part.say(*table(["", "wall s", "CPU s"], rows), "")
        part.say(
            "Imports of that plan that take the most time themselves and below:", ""
        )
        part.say(*table(["ms", "module"], slowest([*invoke, *plan], folder)))
    return part


def slowest(argv: list[str], folder: Path) -> list[list[str]]:
    """Milliseconds and name of the imports that take most, with all below them."""
    python, *rest = argv
    output = subprocess.run(
        [python, "-X", "importtime", *rest],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    ).stderr
    return [[f"{ms:.0f}", name] for ms, name in heaviest(output)[:SLOWEST]]


def heaviest(output: str) -> list[tuple[float, str]]:
    """Imports of `-X importtime`, packages only, the heaviest first, with all below."""
    found = [
        (int(total) / 1000, name)
        for _, total, _, name in IMPORT.findall(output)
        if "." not in name or name.startswith("provision.")
    ]
    return sorted(found, reverse=True)


def main() -> None:
    part = measure(quick=True)
    print(part.text(), *goals_table(part.goals), sep="\n")


if __name__ == "__main__":
    main()
