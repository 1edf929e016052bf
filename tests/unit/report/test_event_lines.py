"""Permanent lines: one line for one thing, and no control characters."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from provision.errors import ApplyError, ConnectError, InternalError
from provision.model.change import Change
from provision.model.events import (
    Cause,
    Event,
    HostBlocked,
    HostConnected,
    HostDone,
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
    StepPlanned,
    StepWaiting,
    Warned,
)
from provision.model.mode import Mode
from provision.report.console import ConsoleReporter, output
from provision.report.reporters import Reporters
from provision.report.text import MAX_LINE_LENGTH, clean_output

MODE = Change("mode", "700", "755")
NEW = Change("engine", None, "installed")
ABOUT: dict[str, Any] = {
    "play": "hosts",
    "step": "docker engine",
    "where": "deploy.yml:30",
}


def lines_of(
    *events: Event, mode: Mode = Mode.APPLY, verbose: bool = False
) -> list[str]:
    """The lines of a run of *events* on two hosts, where there is no terminal."""
    screen = io.StringIO()
    console = ConsoleReporter(output(screen), verbose=verbose, then="do it")
    with Reporters([console]) as report:
        steps = {"node1": 2, "node2": 2}
        report(RunStarted(mode=mode, cluster="lab", plays=("hosts",), steps=steps))
        for event in events:
            report(event)
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def test_a_change_is_a_line_for_the_step_and_one_for_each_field() -> None:
    lines = lines_of(
        StepChanged(host="node1", **ABOUT, changes=(NEW, MODE), seconds=31.2)
    )
    assert lines == [
        "apply lab: 2 hosts, 4 steps (plays: hosts)",
        "node1  changed  docker engine (31 s)",
        "node1             engine: (absent) -> installed",
        "node1             mode: 700 -> 755",
    ]


def test_a_failure_says_what_happened_where_why_and_what_to_do() -> None:
    error = ApplyError(
        "failed with exit code 100",
        hint="set docker_packages",
        details=["\x1b[31mE: no such package\x1b[0m", "10%\r100%\r\n"],
    )
    lines = lines_of(StepFailed(host="node2", **ABOUT, error=error))
    assert lines[1:] == [
        "node2  FAILED   docker engine  (play hosts, deploy.yml:30)",
        "node2             failed with exit code 100",
        "node2             | E: no such package",
        "node2             | 100%",
        "node2             to do: set docker_packages",
    ]


def test_a_host_that_cannot_be_reached_is_named_with_its_cause() -> None:
    error = ConnectError("no route to 10.0.0.9", hint="check that it is up")
    lines = lines_of(HostFailed(host="node1", play="hosts", error=error))
    assert lines[1:] == [
        "node1  FAILED   no route to 10.0.0.9",
        "node1             in play hosts",
        "node1             to do: check that it is up",
    ]


def test_an_internal_error_is_shown_with_its_trace() -> None:
    details = ["Traceback (most recent call last):", "ZeroDivisionError: oops"]
    error = InternalError("internal error: ZeroDivisionError: oops", details=details)
    lines = lines_of(HostFailed(host="node1", error=error))
    assert any("| Traceback" in line for line in lines)
    assert "node1             | ZeroDivisionError: oops" in lines


def test_a_plan_lists_what_would_change() -> None:
    event = StepPlanned(host="node1", **ABOUT, changes=(MODE,))
    assert lines_of(event, mode=Mode.PLAN)[1:] == [
        "node1  would change  docker engine",
        "node1                  mode: 700 -> 755",
    ]
    assert lines_of(event, mode=Mode.VERIFY)[1] == "node1  differs  docker engine"


def test_values_stay_on_one_line_and_long_ones_lose_their_middle() -> None:
    text = Change("content", "one\ntwo\ttab", "x" * 500 + "end")
    [line] = lines_of(StepChanged(host="node1", **ABOUT, changes=(text,), seconds=0))[
        2:
    ]
    assert "one\\ntwo\\ttab -> xxx" in line
    assert " ... " in line and line.endswith("end")
    assert len(line) < 150


def test_text_from_outside_is_neither_markup_nor_control_characters() -> None:
    nasty = "a[red]b\x1b[31mc\u202ed\udcff"
    change = Change(nasty, nasty, nasty)
    events = [
        Warned(message=nasty, host=nasty),
        StepChanged(host=nasty, play="p", step=nasty, changes=(change,), seconds=0),
        HostFailed(host=nasty, error=ConnectError(nasty, hint=nasty, details=[nasty])),
        HostDone(host=nasty, round_trips=1, seconds=0),
        RunEnded(seconds=1),
    ]
    text = "\n".join(lines_of(*events))
    assert "a[red]b\\x1b[31mc\\u202ed\\udcff" in text
    assert not re.search(r"[\x1b\u202e\ud800-\udfff]", text)


def test_hosts_without_a_post_quantum_key_exchange_are_one_line_when_verbose() -> None:
    run = [
        HostConnected(host="node1", seconds=0.2, quantum_safe=False),
        HostConnected(host="node2", seconds=0.2),
        HostConnected(host="node3", seconds=0.2, quantum_safe=False),
        HostConnected(host="node1", seconds=0.2, quantum_safe=False),
        RunEnded(seconds=1),
    ]
    found = [line for line in lines_of(*run, verbose=True) if "quantum" in line]
    assert len(found) == 1
    assert found[0].startswith(
        "no post-quantum key exchange: node1, node3; OpenSSH 9.9"
    )
    assert not [line for line in lines_of(*run) if "quantum" in line]


def test_unchanged_and_running_steps_and_retries_are_shown_only_when_verbose() -> None:
    quiet = [
        HostConnected(host="node1", seconds=0.2),
        HostRetrying(host="node2", attempt=1, wait_s=2, reason="timed out", most=3),
        HostRetrying(
            host="node2", attempt=1, wait_s=0, reason="no answer", most=3, lost=True
        ),
        HostProbed(host="node1", steps=2, seconds=0.1),
        StepOk(host="node1", play="hosts", step="image x"),
        StepApplying(host="node1", **ABOUT, changes=(NEW,)),
        OutputLine(host="node1", **ABOUT, line="Unpacking docker.io"),
        StepWaiting(host="node1", **ABOUT, left=(Change("health", "no", "yes"),)),
    ]
    assert len(lines_of(*quiet)) == 1
    assert lines_of(*quiet, verbose=True)[1:] == [
        "node1           connected (0.2 s)",
        "node2           cannot connect, next try 2 of 3 in 2.0 s: timed out",
        "node2           connection lost (1 of 3), probing again: no answer",
        "node1           probed 2 steps (0.1 s)",
        "node1  ok       image x",
        "node1           applying docker engine",
        "node1             | Unpacking docker.io",
        "node1           waiting for health: no -> yes",
    ]


def test_a_step_with_many_changes_is_cut_short_unless_verbose() -> None:
    changes = tuple(Change(f"env.{n}", None, "x") for n in range(30))
    event = StepChanged(host="node1", **ABOUT, changes=changes, seconds=0)
    assert lines_of(event)[-1].endswith("... and 22 more (-v shows all)")
    assert len(lines_of(event, verbose=True)) == 32
    assert len(lines_of(StepPlanned(host="node1", **ABOUT, changes=changes))) == 32


def blocked(by: Cause) -> Event:
    return HostBlocked(host="node1", play="workers", by=by, steps=2)


@pytest.mark.parametrize(
    ("by", "why"),
    [
        (Cause("head in head", "head", "head"), "play head failed on head"),
        (Cause("image", "node1", "hosts"), "play hosts failed on this host"),
        (Cause("step in two parts", "node1", "a"), "play a failed on this host"),
        (Cause("the interruption"), "of the interruption"),
    ],
)
def test_a_blocked_play_has_a_line_when_verbose_and_is_in_the_summary_otherwise(
    by: Cause, why: str
) -> None:
    lines = lines_of(blocked(by), verbose=True)
    assert lines[1:] == [
        f"node1  blocked  play workers: 2 steps not run, because {why}"
    ]
    assert len(lines_of(blocked(by))) == 1


def test_a_log_file_gets_one_line_for_one_thing_however_long() -> None:
    error = ConnectError("word " * 100, hint="do " * 100)
    assert len(lines_of(HostFailed(host="node1", error=error))) == 3
    lines = lines_of(HostFailed(host="node1", error=error), RunEnded(seconds=1))
    assert lines[-3].startswith("node1: word word")


def test_a_log_file_gets_no_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    lines = lines_of(StepChanged(host="node1", **ABOUT, changes=(MODE,), seconds=1))
    assert "\x1b" not in "\n".join(lines)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_works_in_any_encoding(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    report = ConsoleReporter(output(stream))
    report(RunStarted(mode=Mode.APPLY, cluster="läb-東京", steps={"nöde": 1}))
    stream.flush()
    assert b"apply l" in raw.getvalue()


def test_a_very_long_printed_line_is_cut() -> None:
    assert clean_output("x" * MAX_LINE_LENGTH) == "x" * MAX_LINE_LENGTH
    assert clean_output("x" * 99_999) == "x" * MAX_LINE_LENGTH + " ... (line cut)"
