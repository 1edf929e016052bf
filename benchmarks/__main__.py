"""All measurements on the farm: `python -m benchmarks`, or `invoke bench`.

Prints what it finds and writes benchmarks/RESULTS.md and results.png; with --quick
fewer hosts and rounds, printed only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.parts import (
    comparison,
    critical_path,
    far,
    latency,
    memory,
    peers,
    scale,
    startup,
    trouble,
    working,
)
from benchmarks.parts.contenders import PEERS, contenders, install_peers
from benchmarks.simulated import probes
from benchmarks.tables import Section, goals_table, machine, peer_versions

HERE = Path(__file__).parent
SIZES, QUICK_SIZES = (1, 10, 50, 100, 500), (1, 10)
PACKAGES = ("ansible-core", "mitogen", "pyinfra", "paramiko")
PARTS: dict[str, Callable[..., Section]] = {
    "startup": startup.measure,
    "latency": latency.measure,
    "cold": critical_path.measure,
    "trouble": trouble.measure,
    "memory": memory.measure,
    "scale": scale.measure,
    "far": far.measure,
    "probes": probes.measure,
    "working": working.measure,
}
NAMES = ("converged", *PARTS)


def options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few hosts, one round")
    parser.add_argument("--no-peers", action="store_true", help="ours and floors only")
    parser.add_argument("--sizes", help="numbers of hosts: 1,10,100")
    parser.add_argument("--only", help=f"parts: {','.join(NAMES)}")
    return parser.parse_args()


def main() -> None:
    given, started_s = options(), time.monotonic()
    wanted = given.only.split(",") if given.only else NAMES
    head = machine()
    parts = []
    for name in NAMES:
        if name in wanted:
            print(f"== {name}", flush=True)
            part = (
                _converged(given)
                if name == "converged"
                else PARTS[name](quick=given.quick)
            )
            print(part.text(), *goals_table(part.goals), "", sep="\n", flush=True)
            parts.append(part)
    took_s = time.monotonic() - started_s
    if not given.quick and tuple(wanted) == NAMES:
        _write(head, parts, took_s)
    print(f"took {took_s / 60:.1f} minutes")


def _converged(given: argparse.Namespace) -> Section:
    with_peers = not given.no_peers
    if with_peers:
        install_peers()
    sizes: tuple[int, ...] = QUICK_SIZES if given.quick else SIZES
    if given.sizes:
        sizes = tuple(int(size) for size in given.sizes.split(","))
    rounds = 1 if given.quick else peers.ROUNDS
    results = peers.measure(contenders(peers=with_peers), sizes, rounds)
    part = comparison.section(results)
    if with_peers:
        versions = peer_versions(PEERS / "bin/python", PACKAGES)
        part.say("", f"Peers: {versions}. On the hosts Ansible uses /usr/bin/python3.")
        if not given.quick:
            _plot(results)
    return part


def _plot(results: comparison.Results) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data.json")
        data.write_text(json.dumps(results.series()))
        python = str(PEERS / "bin/python")
        argv = [python, str(HERE / "plot.py"), str(data), str(HERE / "results.png")]
        subprocess.run(argv, check=True)


def _write(head: list[str], parts: list[Section], took_s: float) -> None:
    goals = [goal for part in parts for goal in part.goals]
    kept = [path for path in (HERE / "NOTES.md", HERE / "LAB.md") if path.exists()]
    lines = [
        "# Results",
        "",
        f"Made by `invoke bench` on {time.strftime('%Y-%m-%d')} in {took_s / 60:.0f} minutes.",
        "",
        *head,
        "",
        "## Goals",
        "",
        *goals_table(goals),
        "",
        *(line for path in kept for line in (path.read_text().rstrip(), "")),
        *(part.text() for part in parts),
    ]
    (HERE / "RESULTS.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
