"""Memory and output: floods, many hosts and large content, each in a process of its own.

`python -m benchmarks.parts.memory SCENARIO FOLDER ...` is one of those processes.
"""

from __future__ import annotations

import contextlib
import os
import pty
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TextIO

from benchmarks import meter
from benchmarks.farm.farm import Farm, farm
from benchmarks.parts.contenders import environment, hosts_file
from benchmarks.tables import Goal, Section, goals_table, table
from provision.errors import ProvisionError
from provision.model.change import Change, State
from provision.model.events import (
    Event,
    HostConnected,
    HostDone,
    HostProbed,
    OutputLine,
    RunEnded,
    RunStarted,
    StepApplying,
    StepChanged,
    StepOk,
)
from provision.model.mode import Mode
from provision.model.shell import Sh
from provision.model.step import Step

FLOOD_MB = 100
MANY_HOSTS = 1000
STEPS = 15
CHANGED = 3
"""Of each host's steps, so many change, and print so many lines."""
LINES = 5
TEMPLATE_MB = 10
WIDTH = 120
STALL_S = 60.0
"""Seconds after which a run counts as a stall, and is killed."""
MEMORY_MIB = 250
"""Memory that any of this may take; a goal for 500 hosts, and so for this."""

LOOK = '[ ! -e "$marker" ] || echo done=true'
PRINT = r"""
head -c "${mb}000000" /dev/zero | tr '\0' x | fold -w 99
: >"$marker"
"""


class Flood(Step, kind="flood"):
    """Something that prints so many MB while it works."""

    marker: str
    mb: int

    def probe(self) -> Sh:
        return Sh.of(LOOK, marker=self.marker)

    def desired(self) -> State:
        return {"done": "true"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(PRINT, marker=self.marker, mb=self.mb)


def flood(folder: Path, hosts: str, mb: str, verbose: str = "") -> None:
    """A step on one host of a farm that prints *mb* MB, shown and reported."""
    from provision import Play, api
    from provision.report.console import ConsoleReporter, output
    from provision.report.json_file import ReportFile

    marker = folder / f"flood{mb}"
    marker.unlink(missing_ok=True)
    play = Play(
        play="flood", hosts="all", steps=(Flood(marker=str(marker), mb=int(mb)),)
    )
    with (folder / "screen").open("w") as screen:
        reporters: list[api.Reporter] = [
            ConsoleReporter(output(screen), verbose=bool(verbose)),
            ReportFile(str(folder / "report.json")),
        ]
        run = api.apply(hosts, [play], reporters=reporters)
    if run.exit_code or run.changed != 1:
        raise SystemExit(f"the flood failed: {run.errors}")


def events(folder: Path, where: str) -> None:
    """The events of many hosts through all reporters; *where* is pipe or terminal."""
    from provision.report.console import ConsoleReporter, output
    from provision.report.json_file import ReportFile
    from provision.report.reporters import Reporters

    with contextlib.ExitStack() as stack:
        screen = stack.enter_context(
            _terminal() if where == "terminal" else (folder / "screen").open("w")
        )
        file = ReportFile(str(folder / "report.json"))
        console = ConsoleReporter(output(screen))
        report = stack.enter_context(Reporters([file, console]))
        count, started_s = 0, time.monotonic()
        for event in _events():
            count += 1
            report(event)
        print(f"{count / (time.monotonic() - started_s):.0f} events a second")


def _events() -> Iterator[Event]:
    names = [f"node{n:04}" for n in range(MANY_HOSTS)]
    yield RunStarted(
        mode=Mode.APPLY, plays=("play",), steps=dict.fromkeys(names, STEPS)
    )
    for name in names:
        yield HostConnected(host=name, seconds=0.1)
        yield HostProbed(host=name, steps=STEPS, seconds=0.1)
    for number in range(STEPS):
        for name in names:
            yield from _step(name, number)
    for name in names:
        yield HostDone(host=name, round_trips=1 + CHANGED, seconds=1.0)
    yield RunEnded(seconds=2.0)


def _step(name: str, number: int) -> Iterator[Event]:
    step = f"directory /srv/data/{number}"
    if number >= CHANGED:
        seen = {"type": "directory", "owner": "root", "group": "root", "mode": "755"}
        yield StepOk(host=name, play="play", step=step, kind="directory", observed=seen)
        return
    changes = (Change("mode", "700", "755"), Change("owner", "app", "root"))
    yield StepApplying(host=name, play="play", step=step, changes=changes)
    for line in range(LINES):
        yield OutputLine(host=name, play="play", step=step, line=f"line {line}")
    yield StepChanged(host=name, play="play", step=step, changes=changes, seconds=0.5)


@contextlib.contextmanager
def _terminal() -> Iterator[TextIO]:
    """A terminal that somebody reads."""
    leader, follower = pty.openpty()

    def read() -> None:
        with contextlib.suppress(OSError):
            while os.read(leader, 65536):
                pass

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with os.fdopen(follower, "w") as screen:
        yield screen
    reader.join(5)
    os.close(leader)


def template(folder: Path, hosts: str, mb: str) -> None:
    """A file of *mb* MB from a template."""
    from provision import api

    (folder / "templates").mkdir(exist_ok=True)
    (folder / "templates" / "big.j2").write_text(
        "{{ inventory_hostname }}\n" + "x" * 10**6 * int(mb)
    )
    playbook = folder / "big.yml"
    playbook.write_text(
        "- play: big\n  hosts: all\n  steps:\n"
        f"    - file: {{ path: {folder}/big, content: \"{{{{ template('big.j2') }}}}\" }}\n"
    )
    try:
        run = api.plan(hosts, playbook)
        print(f"planned {run.planned} steps")
    except ProvisionError as error:
        print(f"refused: {str(error)[:300]}")


def nothing(folder: Path) -> None:
    """Our imports, and no work."""
    for name in ("api", "report.console", "transport.ssh.transport"):
        import_module(f"provision.{name}")


SCENARIOS: dict[str, Callable[..., None]] = {
    "nothing": nothing,
    "flood": flood,
    "events": events,
    "template": template,
}


def measure(*, quick: bool) -> Section:
    """Run each; the table."""
    part = Section("Memory and output")
    rows = []
    with farm() as hosts:
        for what, argv in _scenarios(hosts, quick=quick).items():
            cost = _cost(hosts, argv)
            printed = (cost.output.strip().splitlines() or [""])[-1][:WIDTH]
            if cost.code:
                printed = f"**ended with {cost.code}** {printed}"
            peak = f"{cost.peak_mib:.0f}"
            rows.append(
                [what, f"{cost.wall_s:.2f}", f"{cost.cpu_s:.2f}", peak, printed]
            )
            part.goals += [
                Goal(f"memory: {what}", cost.peak_mib, MEMORY_MIB, unit=" MiB"),
                Goal(f"no stall: {what}", cost.wall_s, STALL_S, unit=" s"),
            ]
    part.say(*table(["", "wall s", "CPU s", "peak MiB", "printed"], rows))
    return part


def _scenarios(hosts: Farm, *, quick: bool) -> dict[str, list[str]]:
    many, mb = (10, FLOOD_MB // 5) if quick else (100, FLOOD_MB)
    one, several = (str(hosts_file(hosts, count)) for count in (1, many))
    return {
        "our imports alone": ["nothing"],
        "a step that prints nothing": ["flood", one, "0"],
        f"a step that prints {mb} MB": ["flood", one, str(mb)],
        f"{mb // 20} MB, all of it shown": ["flood", one, str(mb // 20), "verbose"],
        f"{MANY_HOSTS} hosts of events, to a file": ["events", "file"],
        f"{MANY_HOSTS} hosts of events, to a terminal": ["events", "terminal"],
        f"a template of 1 MB on {many} hosts": ["template", several, "1"],
        f"one of {TEMPLATE_MB} MB": ["template", several, str(TEMPLATE_MB)],
    }


def _cost(hosts: Farm, argv: Sequence[str]) -> meter.Cost:
    scenario, *more = argv
    folder = str(hosts.folder)
    command = [sys.executable, "-m", "benchmarks.parts.memory", scenario, folder, *more]
    env = environment(hosts, PYTHONPATH=str(meter.HERE))
    return meter.run(command, cwd=hosts.folder, env=env, limit_s=STALL_S)


def main() -> None:
    if len(sys.argv) > 2:
        scenario, folder, *more = sys.argv[1:]
        SCENARIOS[scenario](Path(folder), *more)
        return
    part = measure(quick=True)
    print(part.text(), *goals_table(part.goals), sep="\n")


if __name__ == "__main__":
    main()
