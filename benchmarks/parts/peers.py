"""All contenders on the farm, in turns: wall, CPU of both sides, memory, execs per host."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence

from benchmarks import meter
from benchmarks.farm.farm import Farm, farm
from benchmarks.parts.comparison import MOST, Results
from benchmarks.parts.contenders import Contender, contenders

ROUNDS = 3
HUGE_ROUNDS = 2
BUDGET_S = 660.0
"""Seconds for all runs: what would take longer is not begun, and the results name it."""


def schedule(
    who: Sequence[Contender], sizes: Sequence[int], rounds: int
) -> Iterator[tuple[Contender, int]]:
    """Return who is run on how many hosts, in turns; what takes minutes once, and last."""
    last = []
    for size in sizes:
        chosen = [one for one in who if size in one.sizes]
        last += [(one, size) for one in chosen if size >= one.once]
        for _ in range(min(rounds, HUGE_ROUNDS) if size >= MOST else rounds):
            yield from ((one, size) for one in chosen if size < one.once)
    yield from last


def measure(who: Sequence[Contender], sizes: Sequence[int], rounds: int) -> Results:
    """Run everything that there is time for; prints each run as it ends."""
    results, started_s = Results(), time.monotonic()
    with farm() as hosts:
        for one in contenders(peers=False):
            _run(one, hosts, 1)  # files and caches are warm, as on a second run
        for one, size in schedule(who, sizes, rounds):
            left_s = BUDGET_S - (time.monotonic() - started_s)
            if size >= one.once and results.expected_s(one.name, size) > left_s:
                results.skipped.append((one.name, size))
                print(f"{one.name:40} N={size:<4} not run: no time left", flush=True)
            else:
                _add(results, one, hosts, size)
    return results


def _add(results: Results, one: Contender, hosts: Farm, size: int) -> None:
    sessions, used_s = hosts.sessions(), hosts.group.cpu_s()
    cost = _run(one, hosts, size)
    _quiet(hosts)
    hosts_s = (hosts.group.cpu_s() - used_s) / size
    execs = (hosts.sessions() - sessions) / size
    print(
        f"{one.name:40} N={size:<4} wall {cost.wall_s:7.2f} s  CPU {cost.cpu_s:6.2f} s  "
        f"each host {hosts_s:6.3f} s, {execs:g} execs  {cost.peak_mib:5.0f} MiB",
        flush=True,
    )
    if re.search(one.changed, cost.output):
        raise SystemExit(f"{one.name} changed this machine:\n{cost.output[-2000:]}")
    runs = results.of(one.name, size)
    if cost.code:
        runs.failed += 1
        print(f"  ended with {cost.code}:\n{cost.output[-2000:]}", file=sys.stderr)
        return
    runs.wall_s.append(cost.wall_s)
    runs.cpu_s.append(cost.cpu_s)
    runs.hosts_s.append(hosts_s)
    runs.peak_mib.append(cost.peak_mib)
    runs.execs.append(execs)


def _run(one: Contender, hosts: Farm, size: int) -> meter.Cost:
    command = one.command(hosts, size)
    return meter.run(command.argv, cwd=command.folder, env=command.env)


def _quiet(hosts: Farm) -> None:
    """Wait until sshd has ended its sessions: their CPU belongs to the run before."""
    deadline = time.monotonic() + 10
    while len(hosts.group.pids()) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
