"""Latency: what a converged run and a changing step take when the hosts are far away."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from support.tcp_proxy import Proxy, proxy

from benchmarks import meter
from benchmarks.farm.farm import ANY, Farm, farm
from benchmarks.farm.hosts import PLAYBOOKS
from benchmarks.parts.contenders import Command, floor_command, ours
from benchmarks.tables import Goal, Section, spread, table

RTTS_MS = (0, 20, 100)
HOSTS = 1
"""With more of them on these cores, latency hides behind their work."""
CHANGES = (0, 1, 2, 4)
SETTLE_S = 0.3


def measure(*, quick: bool) -> Section:
    """Both parts."""
    part = Section("Latency: one host behind a delay proxy")
    with farm() as hosts:
        _converged(part, hosts, rounds=3 if quick else 7)
        _changing(part, hosts)
    return part


def _converged(part: Section, hosts: Farm, rounds: int) -> None:
    """Compare how much longer the same run takes, ours against connect and one exec."""
    ways: dict[str, Callable[[Proxy], Command]] = {
        "ours: deploy": lambda via: ours(hosts, HOSTS, via.port),
        "connect + one exec": lambda via: floor_command(hosts, HOSTS, "exec", via.port),
    }
    walls: dict[tuple[str, int], list[float]] = {}
    turns: dict[tuple[str, int], float] = {}
    for rtt_ms in RTTS_MS:
        with proxy(hosts.port, rtt_ms, address=ANY) as via:
            for _ in range(rounds):
                for name, command in ways.items():
                    via.reset()
                    walls.setdefault((name, rtt_ms), []).append(_wall_s(command(via)))
                    turns[name, rtt_ms] = via.turns / HOSTS
    rows = [
        [name, f"{rtt} ms", spread(walls[name, rtt]), f"{turns[name, rtt]:g}"]
        for name, rtt in walls
    ]
    part.say(
        *table(["who", "round trip time", "wall s", "turns of each host"], rows), ""
    )
    for rtt_ms in RTTS_MS[1:]:
        grown = [
            statistics.median(walls[name, rtt_ms]) - statistics.median(walls[name, 0])
            for name in ways
        ]
        part.say(
            f"At {rtt_ms} ms ours grows by {grown[0]:.3f} s, connect + one exec by "
            f"{grown[1]:.3f} s: {grown[0] / grown[1]:.2f} times.",
            "",
        )
        part.goals.append(
            Goal(
                f"growth of wall at {rtt_ms} ms over connect + one exec's",
                grown[0] / grown[1],
                1.2,
            )
        )
    part.say(
        "The one turn more that counts is the script: it is sent on standard input, where "
        "no `ps` shows it, and OpenSSH takes none before it has said that it runs the "
        "command. The other is a goodbye that nobody waits for.",
        "",
    )


def _wall_s(command: Command) -> float:
    cost = meter.run(command.argv, cwd=command.folder, env=command.env)
    if cost.code:
        raise SystemExit(f"{command.argv} ended with {cost.code}:\n{cost.output}")
    return cost.wall_s


def _changing(part: Section, hosts: Farm) -> None:
    """One host: the round trips, and the turns, of so many steps that change."""
    rtt_ms = RTTS_MS[1]
    rows, trips = [], []
    with proxy(hosts.port, rtt_ms, address=ANY) as via:
        for count in CHANGES:
            command = _changes(hosts, via, count)
            via.reset()
            wall_s = _wall_s(command)
            time.sleep(SETTLE_S)
            report = json.loads((hosts.folder / "report.json").read_text())
            [host] = report["hosts"].values()
            if host["changed"] != count or host["failed"]:
                raise SystemExit(f"not {count} steps were changed: {host}")
            trips.append(host["round_trips"])
            rows.append(
                [
                    str(count),
                    str(trips[-1]),
                    f"{via.turns}",
                    f"{via.connections}",
                    f"{wall_s:.2f}",
                ]
            )
    head = ["steps that change", "round trips", "turns", "connections", "wall s"]
    part.say(
        f"One host, {max(CHANGES)} `file` steps, {rtt_ms} ms. A round trip is one script: "
        "opening its channel and running it takes turns of SSH's own. The first change "
        "also takes the cluster's lock, on a connection of its own.",
        "",
        *table(head, rows),
    )
    extra = max(trip - 1 - count for trip, count in zip(trips, CHANGES, strict=True))
    part.goals.append(Goal("round trips over 1 + steps that change", extra, 0))


def _changes(hosts: Farm, via: Proxy, count: int) -> Command:
    """A deploy of four files, *count* of which are otherwise on the host."""
    folder = hosts.goods.folder / "data"
    steps = []
    for number in range(max(CHANGES)):
        path = Path(folder, f"file{number}")
        path.write_text("before\n" if number < count else "after\n")
        path.chmod(0o644)
        rights = f"owner: {hosts.user}, group: {hosts.goods.group}"
        steps.append(f'    - file: {{ path: {path}, content: "after\\n", {rights} }}\n')
    playbook = hosts.folder / "changes.yml"
    playbook.write_text(f"- play: changes\n  hosts: all\n  steps:\n{''.join(steps)}")
    command = ours(hosts, 1, via.port)
    usual = str(PLAYBOOKS / "converged15.yml")
    argv = [str(playbook) if word == usual else word for word in command.argv]
    return Command(argv, command.env, command.folder)
