"""What a script does not outlive, on real shells: its input, and its run's beats."""

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
from provision.transport import watchdog
from provision.transport.watchdog import with_watchdog

HEARTBEAT_S = 0.3
SILENCE_S = 1
TIMEOUT = shutil.which("timeout") or "timeout"
NOTES = 'while :; do echo x >>"%s"; sleep 0.1; done'
"""A step that is seen to run."""
Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    sooner(monkeypatch, SILENCE_S)


def sooner(monkeypatch: pytest.MonkeyPatch, silence_s: int) -> None:
    text = watchdog.SILENCE.replace("timeout 20", f"timeout {silence_s}")
    text = text.replace(f"timeout {SILENCE_S}", f"timeout {silence_s}")
    monkeypatch.setattr(watchdog, "SILENCE", text)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture
def start(shell: tuple[str, ...]) -> Iterator[Start]:
    """Starts a script that changes something, as a transport does."""
    begun: list[subprocess.Popen[bytes]] = []

    def give(script: str) -> subprocess.Popen[bytes]:
        # Busybox has a timeout of its own, in the group of what it starts.
        own = [shell[0], "timeout"] if "busybox" in shell[0] else [TIMEOUT]
        child = subprocess.Popen(
            [*own, "-k", "5", "60", *shell, "-s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        begun.append(child)
        beat(child, with_watchdog(Script(script), heartbeat=True).encoded)
        return child

    yield give
    for child in begun:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def beat(child: subprocess.Popen[bytes], data: bytes = b".") -> None:
    assert child.stdin
    child.stdin.write(data)
    child.stdin.flush()


def beat_for(seconds: float, child: subprocess.Popen[bytes]) -> None:
    for _ in range(int(seconds / HEARTBEAT_S)):
        time.sleep(HEARTBEAT_S)
        beat(child)


def is_still(notes: Path) -> bool:
    """Whether nothing is noted any more."""
    size = notes.stat().st_size
    time.sleep(0.5)
    return notes.stat().st_size == size


@EACH_SHELL
def test_beats_keep_a_script_and_silence_ends_it(start: Start, notes: Path) -> None:
    child = start(NOTES % notes)
    beat_for(2.5, child)
    assert child.poll() is None
    begun = time.monotonic()
    assert child.wait(10) != 0
    assert SILENCE_S - HEARTBEAT_S < time.monotonic() - begun < SILENCE_S + 2
    assert is_still(notes)


@EACH_SHELL
def test_what_ignores_the_end_is_killed(start: Start, notes: Path) -> None:
    child = start(f"sh -c 'trap \"\" TERM; {NOTES % notes}'")
    assert child.wait(SILENCE_S + 8) != 0
    assert is_still(notes)


@EACH_SHELL
def test_the_end_of_its_input_ends_it_at_once(start: Start, notes: Path) -> None:
    child = start(NOTES % notes)
    beat_for(0.6, child)
    assert child.stdin
    child.stdin.close()
    child.stdin = None
    assert child.wait(3) != 0
    assert is_still(notes)


@EACH_SHELL
def test_a_script_ends_with_its_own_code_and_leaves_nothing(start: Start) -> None:
    child = start("echo done; exit 7")
    beat(child)
    begun = time.monotonic()
    out, err = child.communicate()
    assert (child.returncode, out, err) == (7, b"done\n", b"")
    assert time.monotonic() - begun < SILENCE_S / 2


@EACH_SHELL
def test_a_full_pipe_does_not_keep_it(start: Start, notes: Path) -> None:
    flood = "head -c 200000 /dev/zero >&2"
    child = start(f"({NOTES % notes}) & {flood}")
    assert child.wait(SILENCE_S + 8) != 0
    assert is_still(notes)


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
def test_a_tool_that_does_not_start_is_not_silence(
    start: Start, notes: Path, broken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while the library that it needs is being replaced."""
    sooner(monkeypatch, 3)
    child = start(f"sleep 4; echo done >'{notes}'; sleep 30")
    time.sleep(1.5)
    broken.unlink()
    beat(child)
    assert child.wait(8) != 0
    assert notes.exists()
