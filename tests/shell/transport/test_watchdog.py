"""The end of a script without input or heartbeats, on real shells."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX

from provision.model.script import Script
from provision.transport.watchdog import with_watchdog

HEARTBEAT_S = 0.3
TIMEOUT_S = 1
"""Seconds without a heartbeat after which the script is ended, in these tests."""
TIMEOUT = shutil.which("timeout") or "timeout"
NOTES = 'while :; do echo x >>"%s"; sleep 0.1; done'
"""A script that shows that it runs by writing to a file."""
Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture(autouse=True)
def _short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    set_timeout(monkeypatch, TIMEOUT_S)


def set_timeout(monkeypatch: pytest.MonkeyPatch, timeout_s: int) -> None:
    name = "provision.transport.watchdog.HEARTBEAT_TIMEOUT_S"
    monkeypatch.setattr(name, timeout_s)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def start(shell: tuple[str, ...]) -> Iterator[Start]:
    """Starts a script that changes something, as a transport does."""
    started: list[subprocess.Popen[bytes]] = []

    def run(script: str) -> subprocess.Popen[bytes]:
        # Busybox has a timeout of its own, in the group of what it starts.
        own = [shell[0], "timeout"] if "busybox" in shell[0] else [TIMEOUT]
        child = subprocess.Popen(
            [*own, "-k", "5", "60", *shell, "-s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(child)
        send(child, with_watchdog(Script(script), heartbeat=True).encoded)
        return child

    yield run
    for child in started:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def send(child: subprocess.Popen[bytes], data: bytes = b".") -> None:
    assert child.stdin
    child.stdin.write(data)
    child.stdin.flush()


def send_heartbeats(seconds: float, child: subprocess.Popen[bytes]) -> None:
    for _ in range(int(seconds / HEARTBEAT_S)):
        time.sleep(HEARTBEAT_S)
        send(child)


def has_stopped(notes: Path) -> bool:
    """Tell whether nothing is written any more."""
    size = notes.stat().st_size
    time.sleep(0.5)
    return notes.stat().st_size == size


@EACH_SHELL
def test_a_script_runs_while_heartbeats_come_and_ends_without_them(
    start: Start, notes: Path
) -> None:
    child = start(NOTES % notes)
    send_heartbeats(2.5, child)
    assert child.poll() is None
    since = time.monotonic()
    assert child.wait(10) != 0
    assert TIMEOUT_S - HEARTBEAT_S < time.monotonic() - since < TIMEOUT_S + 2
    assert has_stopped(notes)


@EACH_SHELL
def test_a_process_that_ignores_term_is_killed(start: Start, notes: Path) -> None:
    child = start(f"sh -c 'trap \"\" TERM; {NOTES % notes}'")
    assert child.wait(TIMEOUT_S + 8) != 0
    assert has_stopped(notes)


@EACH_SHELL
def test_the_end_of_its_input_ends_a_script_at_once(start: Start, notes: Path) -> None:
    child = start(NOTES % notes)
    send_heartbeats(0.6, child)
    assert child.stdin
    child.stdin.close()
    child.stdin = None
    assert child.wait(3) != 0
    assert has_stopped(notes)


@EACH_SHELL
def test_a_script_ends_with_its_own_code_and_leaves_nothing(start: Start) -> None:
    child = start("echo done; exit 7")
    send(child)
    since = time.monotonic()
    out, err = child.communicate()
    assert (child.returncode, out, err) == (7, b"done\n", b"")
    assert time.monotonic() - since < TIMEOUT_S / 2


@EACH_SHELL
def test_a_full_pipe_does_not_keep_a_script_running(start: Start, notes: Path) -> None:
    flood = "head -c 200000 /dev/zero >&2"
    child = start(f"({NOTES % notes}) & {flood}")
    assert child.wait(TIMEOUT_S + 8) != 0
    assert has_stopped(notes)


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A timeout(1) that does not start, before the real one on the path."""
    tool = tmp_path / "bin" / "timeout"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nexit 127\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    return tool


@NOT_BUSYBOX
def test_a_timeout_command_that_does_not_start_does_not_end_a_script(
    start: Start, notes: Path, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is while a library that it needs is being replaced."""
    set_timeout(monkeypatch, 3)
    child = start(f"sleep 4; echo done >'{notes}'; sleep 30")
    time.sleep(1.5)
    broken.unlink()
    send(child)
    assert child.wait(8) != 0
    assert notes.exists()
