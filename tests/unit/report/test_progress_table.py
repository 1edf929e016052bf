"""Live progress: a line for each host, and never more lines than the terminal has."""

from __future__ import annotations

import io
import re
from typing import Any

from rich.console import Console

from provision.errors import ApplyError, ConnectError
from provision.model.change import Change
from provision.model.events import (
    Cause,
    HostBlocked,
    HostConnected,
    HostFailed,
    HostProbed,
    HostRetrying,
    OutputLine,
    RunEnded,
    RunStarted,
    StepApplying,
    StepChanged,
    StepFailed,
    StepOk,
    StepWaiting,
)
from provision.model.mode import Mode
from provision.report.console import ConsoleReporter
from provision.report.progress_table import ProgressTable
from provision.report.reporters import Reporters

CHANGES = (Change("engine", None, "installed"),)
ABOUT: dict[str, Any] = {"play": "hosts", "step": "docker engine"}


def terminal(width: int = 80, height: int = 24) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        width=width,
        height=height,
        color_system="truecolor",
        legacy_windows=False,
        _environ={"TERM": "xterm"},
    )


def table_of(hosts: int) -> ProgressTable:
    table = ProgressTable()
    steps = {f"node{number}": 4 for number in range(1, hosts + 1)}
    table(RunStarted(mode=Mode.APPLY, cluster="lab", steps=steps))
    return table


def shown(table: ProgressTable, console: Console) -> list[str]:
    lines = console.render_lines(table, pad=False)
    return ["".join(part.text for part in line).rstrip() for line in lines]


def test_a_host_shows_its_step_and_the_last_line_it_printed() -> None:
    table = table_of(2)
    table(HostConnected(host="node1", seconds=0.1))
    table(HostProbed(host="node1", steps=4, seconds=0.1))
    table(StepOk(host="node1", play="hosts", step="x"))
    table(StepApplying(host="node1", **ABOUT, changes=CHANGES))
    table(OutputLine(host="node1", **ABOUT, line="\x1b[1mUnpacking [red]"))
    first, second, last = shown(table, terminal())
    assert re.fullmatch(r"node1 +1/4 +0 s +docker engine +Unpacking \[red\]", first)
    assert re.fullmatch(r"node2 +0/4 +connecting", second)
    assert last.startswith("0 of 2 hosts done, ")


def test_each_state_of_a_host_has_its_text() -> None:
    table = table_of(1)
    texts = {
        "connecting again": HostRetrying(
            host="node1", attempt=1, wait_s=2, reason="slow"
        ),
        "probing": HostConnected(host="node1", seconds=0),
        "waiting for its turn": HostProbed(host="node1", steps=4, seconds=0),
        "docker engine": StepApplying(host="node1", **ABOUT, changes=CHANGES),
        "waiting for health": StepWaiting(
            host="node1", **ABOUT, left=(Change("health", "no", "yes"),)
        ),
        "docker engine failed": StepFailed(
            host="node1", **ABOUT, error=ApplyError("no")
        ),
    }
    for text, event in texts.items():
        table(event)
        assert text in shown(table, terminal())[0]
    table(HostBlocked(host="node1", play="hosts", by=Cause("docker engine"), steps=3))
    assert shown(table, terminal())[0].startswith("node1  4/4")
    assert "1 failed" in shown(table, terminal())[-1]


def test_steps_of_two_lanes_are_both_on_the_line() -> None:
    table, console = table_of(1), terminal()
    other: dict[str, Any] = {"play": "exporters", "step": "node_exporter"}
    table(StepApplying(host="node1", **ABOUT, changes=CHANGES))
    table(StepApplying(host="node1", **other, changes=CHANGES))
    assert "docker engine, node_exporter" in shown(table, console)[0]
    table(StepChanged(host="node1", **other, changes=CHANGES, seconds=1))
    table(StepOk(host="node1", play="exporters", step="reachable"))
    line = shown(table, console)[0]
    assert "docker engine" in line
    assert "node_exporter" not in line
    assert "2/4" in line
    table(StepChanged(host="node1", **ABOUT, changes=CHANGES, seconds=1))
    assert "waiting for its turn" in shown(table, console)[0]


def test_a_failure_in_one_lane_is_what_is_left_of_a_host() -> None:
    table, console = table_of(1), terminal()
    other: dict[str, Any] = {"play": "exporters", "step": "node_exporter"}
    table(StepFailed(host="node1", **ABOUT, error=ApplyError("no")))
    table(StepApplying(host="node1", **other, changes=CHANGES))
    assert "node_exporter" in shown(table, console)[0]
    table(StepChanged(host="node1", **other, changes=CHANGES, seconds=1))
    assert "docker engine failed" in shown(table, console)[0]
    assert "1 failed" in shown(table, console)[-1]


def test_a_step_that_settles_stays_on_the_line_while_it_is_probed() -> None:
    table = table_of(1)
    table(StepApplying(host="node1", **ABOUT, changes=CHANGES))
    table(HostProbed(host="node1", steps=4, seconds=0))
    table(StepWaiting(host="node1", **ABOUT, left=CHANGES))
    text = shown(table, terminal())[0]
    assert "docker engine  waiting for engine: (absent) -> installed" in text


def test_200_hosts_fit_a_terminal_of_24_lines_with_the_busy_ones_first() -> None:
    table = table_of(200)
    table(StepApplying(host="node150", **ABOUT, changes=CHANGES))
    table(HostFailed(host="node120", error=ConnectError("timed out")))
    lines = shown(table, terminal())
    assert len(lines) <= 24
    assert any(line.startswith("node150") for line in lines)
    assert any(line.startswith("node120") for line in lines)
    assert "... and 180 more" in lines
    assert lines[-1].startswith("0 of 200 hosts done, 1 failed, ")


def test_no_line_is_wider_than_the_terminal_however_small() -> None:
    table = table_of(3)
    table(StepApplying(host="node1", play="p", step="x" * 500, changes=CHANGES))
    for width, height in ((200, 50), (80, 24), (40, 5), (20, 2)):
        lines = shown(table, terminal(width, height))
        assert max(map(len, lines)) <= width
        assert sum(line.startswith("node") for line in lines) >= 1


def test_a_whole_run_on_a_terminal_ends_with_a_clean_screen() -> None:
    console = terminal()
    with Reporters([ConsoleReporter(console)]) as report:
        report(RunStarted(mode=Mode.APPLY, cluster="lab", steps={"node1": 1}))
        report(StepApplying(host="node1", **ABOUT, changes=CHANGES))
        report(StepChanged(host="node1", **ABOUT, changes=CHANGES, seconds=1))
        report(RunEnded(seconds=1))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "\x1b[?25l" in text and "\x1b[?25h" in text, "the cursor comes back"
    assert text.rstrip().endswith("1 host: 1 changed, 0 failed in 1.0 s\x1b[0m")


def test_long_lines_wrap_beside_the_host_not_below_it() -> None:
    console = terminal(width=60)
    report = ConsoleReporter(console)
    report(RunStarted(mode=Mode.APPLY, cluster="lab", steps={"node1": 1}))
    error = ConnectError("word " * 30)
    report(HostFailed(host="node1", error=error))
    assert isinstance(console.file, io.StringIO)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", console.file.getvalue()).splitlines()[1:]
    assert lines[0].startswith("node1  FAILED   word")
    assert all(line.startswith(" " * 16 + "word") for line in lines[1:])
