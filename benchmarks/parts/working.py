"""Working with hosts: `cp` of a large file against scp, `exec` against the floor.

The files go to hosts with an sshd and a folder each; `exec` runs on the farm.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import meter
from benchmarks.farm.farm import OWN, Farm, addresses, farm
from benchmarks.farm.hosts import inventory
from benchmarks.parts.contenders import (
    Command,
    environment,
    floor_command,
    hosts_file,
)
from benchmarks.tables import Goal, Section, spread, table

ROUNDS = 3
COPIES = 3
"""Hosts that a file is copied to."""
FILE_MB, QUICK_FILE_MB = 1000, 300
HOSTS, QUICK_HOSTS = 100, 10
COPY_LIMIT, EXEC_LIMIT = 1.2, 1.3
"""Wall over that of scp, and over that of the floor: goals."""
SIDE_BY_SIDE = """set -eu
pids=
while [ $# -gt 0 ]; do
    scp -q -B -i "$1" -P "$2" -o UserKnownHostsFile="$3" "$4" "$5" &
    pids="$pids $!"
    shift 5
done
for pid in $pids; do wait "$pid"; done
"""
"""scp several times at once: its key, port, known hosts, source and target, five words each."""


def measure(*, quick: bool) -> Section:
    """Return what `cp` and `exec` take, with ratios."""
    part = Section("Working with hosts: cp against scp, exec against the floor")
    rounds = 1 if quick else ROUNDS
    if os.geteuid() == 0:
        _copies(part, rounds, QUICK_FILE_MB if quick else FILE_MB)
    else:
        part.say("cp was not measured: hosts with a folder each need root here.", "")
    with farm() as hosts:
        _commands(part, hosts, rounds, QUICK_HOSTS if quick else HOSTS)
    return part


def _copies(part: Section, rounds: int, size_mb: int) -> None:
    with contextlib.ExitStack() as stack:
        farms = [
            stack.enter_context(farm(name=f"own{number}", has_own=True))
            for number in range(COPIES)
        ]
        file = _large_file(farms[0].folder, size_mb)
        ways = _ways(farms, file)
        there = [host.folder / "own" / file.name for host in farms]
        walls, cpus = _in_turns(ways, rounds, lambda key: _remove(key, there, file))
        for copy in there:
            if copy.stat().st_size != size_mb * 10**6:
                raise SystemExit(f"{copy} is not the file that was sent")
    rows = [[*key, spread(walls[key]), spread(cpus[key])] for key in walls]
    part.say(
        f"{size_mb} MB of random bytes, {COPIES} hosts at once, which share cores and disk "
        "with the controller.",
        "",
        *table(["way", "who", "wall s", "controller CPU s"], rows),
        "",
    )
    for way in ("there", "back"):
        scp, ours = (statistics.median(walls[way, who]) for who in ("scp", "cp"))
        what = f"cp of {size_mb} MB to {COPIES} hosts, {way}, over scp"
        part.goals.append(Goal(what, ours / scp, COPY_LIMIT))


def _large_file(folder: Path, size_mb: int) -> Path:
    file = folder / "large"
    with Path("/dev/urandom").open("rb") as noise, file.open("wb") as out:
        for _ in range(size_mb):
            out.write(noise.read(10**6))
    return file


def _remove(key: Key, there: Sequence[Path], file: Path) -> None:
    """Remove what the copy named *key* is to make: `cp` sends nothing that is there."""
    back = (file.parent / "back").rglob("*")
    for copy in there if key[0] == "there" else [p for p in back if p.is_file()]:
        copy.unlink(missing_ok=True)
    os.sync()  # else a copy pays for the one before it


Key = tuple[str, str]
"""The way that a file goes, and who brings it."""
Ways = Mapping[Key, Command]
Costs = dict[Key, list[float]]


def _ways(farms: Sequence[Farm], file: Path) -> Ways:
    """Return scp and `cp` of *file* to all of *farms*, and back."""
    back = [file.parent / "back" / f"h{number}" for number in range(len(farms))]
    for folder in back:
        folder.mkdir(parents=True)
    there = f"{OWN}/{file.name}"
    logins = [f"{host.user}@{addresses(1)[0]}:{there}" for host in farms]
    sources = [str(file)] * len(farms)
    targets = [str(folder / "scp") for folder in back]
    book = _hosts_of(farms)
    return {
        ("there", "scp"): _scp(farms, sources, logins),
        ("there", "cp"): _ours(farms[0], book, "cp", str(file), f"all:{OWN}/"),
        ("back", "scp"): _scp(farms, logins, targets),
        ("back", "cp"): _ours(
            farms[0], book, "cp", f"all:{there}", str(back[0].parent)
        ),
    }


def _hosts_of(farms: Sequence[Farm]) -> Path:
    """Return an inventory with the first host of each of *farms*."""
    names: dict[str, dict[str, object]] = {
        f"h{number}": {
            "ansible_port": host.port,
            "ansible_ssh_private_key_file": str(host.key),
            "known_hosts": str(host.known_hosts(1)),
        }
        for number, host in enumerate(farms)
    }
    first = farms[0]
    variables: dict[str, object] = {
        "cluster": f"farm-{first.port}",
        "ansible_host": addresses(1)[0],
        "ansible_user": first.user,
    }
    return inventory(first.folder / "own.yml", names, variables)


def _scp(farms: Sequence[Farm], froms: Sequence[str], tos: Sequence[str]) -> Command:
    words = [
        word
        for host, source, target in zip(farms, froms, tos, strict=True)
        for word in (
            *(str(host.key), str(host.port), str(host.known_hosts(1))),
            *(source, target),
        )
    ]
    argv = ["sh", "-c", SIDE_BY_SIDE, "sh", *words]
    return Command(argv, environment(farms[0]), farms[0].folder)


def _ours(hosts: Farm, book: Path, command: str, *words: str) -> Command:
    """Return a command of ours, as a user types it."""
    (hosts.folder / "tasks.py").write_text(
        "from provision import cli\nnamespace = cli.namespace()\n"
    )
    argv = [sys.executable, "-m", "invoke", command, "--inventory", str(book), *words]
    return Command(argv, environment(hosts), hosts.folder)


def _commands(part: Section, hosts: Farm, rounds: int, count: int) -> None:
    """Compare `exec -- true` on *count* hosts with the floor, which runs its script there."""
    ours = _ours(hosts, hosts_file(hosts, count), "exec", "--", "true")
    ways = {
        ("exec", "floor"): floor_command(hosts, count, "true"),
        ("exec", "ours"): ours,
    }
    _in_turns(ways, 1)
    walls, cpus = _in_turns(ways, rounds)
    rows = [
        [who, spread(walls[way, who]), spread(cpus[way, who])] for way, who in walls
    ]
    part.say(
        f"`exec -- true` on {count} hosts, against a bare paramiko Transport that runs it.",
        "",
        *table(["who", "wall s", "controller CPU s"], rows),
    )
    floor_s, ours_s = (statistics.median(one) for one in walls.values())
    what = f"exec -- true on {count} hosts, over the floor"
    part.goals.append(Goal(what, ours_s / floor_s, EXEC_LIMIT))


def _in_turns(
    ways: Ways, rounds: int, before: Callable[[Key], None] = lambda key: None
) -> tuple[Costs, Costs]:
    """Return the wall and CPU seconds of each of *ways*, run in turns.

    Args:
        ways: what is run.
        rounds: how often.
        before: called before each.
    """
    walls: Costs = {key: [] for key in ways}
    cpus: Costs = {key: [] for key in ways}
    for _ in range(rounds):
        for key, command in ways.items():
            before(key)
            cost = meter.run(command.argv, cwd=command.folder, env=command.env)
            if cost.code:
                raise SystemExit(
                    f"{command.argv} ended with {cost.code}:\n{cost.output}"
                )
            walls[key].append(cost.wall_s)
            cpus[key].append(cost.cpu_s)
    return walls, cpus
