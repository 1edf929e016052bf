"""A converged cluster: `deploy` with nothing to do against bare Fabric connections.

Whole processes, interpreter start included, in turns; medians and their ratio.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAB = ROOT / ".lab"
PORTS = ("2201", "2202", "2203")
ROUNDS = 9
FLOOR = (
    *(sys.executable, "benchmarks/on_lab/fabric_true.py"),
    *(str(LAB / "id_ed25519"), str(LAB / "known_hosts"), *PORTS),
)
DEPLOY = (
    sys.executable,
    "-m",
    "invoke",
    "deploy",
    "--inventory",
    "inventories/lab.yml",
)


def timed(argv: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU seconds of *argv*."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    if done.returncode:
        sys.exit(
            f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        timed([*DEPLOY, "--report", str(report)])  # converges, and warms up
        timed([*DEPLOY, "--report", str(report)])
        hosts = json.loads(report.read_text())["hosts"]
    runs = [(timed(FLOOR), timed(DEPLOY)) for _ in range(ROUNDS)]
    trips = ", ".join(f"{name} {host['round_trips']}" for name, host in hosts.items())
    print(f"{len(hosts)} hosts, {ROUNDS} rounds, {os.cpu_count()} cores")
    print(f"round trips of the converged deploy: {trips}")
    print(f"{'':24}{'wall s (min-max)':>22}{'CPU s':>8}")
    medians = []
    for name, row in zip(
        ("fabric connect + true", "deploy"), zip(*runs, strict=True), strict=True
    ):
        walls, cpus = zip(*row, strict=True)
        medians.append((statistics.median(walls), statistics.median(cpus)))
        spread = f"{medians[-1][0]:.2f} ({min(walls):.2f}-{max(walls):.2f})"
        print(f"{name:24}{spread:>22}{medians[-1][1]:>8.2f}")
    (floor, floor_cpu), (ours, ours_cpu) = medians
    print(f"{'ratio':24}{ours / floor:>22.2f}{ours_cpu / floor_cpu:>8.2f}")


if __name__ == "__main__":
    main()
