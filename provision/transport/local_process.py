"""A child process on this machine and its three pipes."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from typing import IO

from provision.transport.remote_shell import KILLED, POLL_INTERVAL_S, RemoteShell

CHUNK_BYTES = 64 * 1024
"""Bytes read or written at once."""


def start(argv: list[str]) -> subprocess.Popen[bytes]:
    """Start *argv* in a process group of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    )


def terminate(process: subprocess.Popen[bytes]) -> None:
    """Signal the group of *process*; one that runs as root ends with its standard input."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)


def write(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Write a little to the standard input of *process*.

    Raises:
        OSError: it reads no more.
        ValueError: our end is closed.
    """
    os.write(_pipe(process.stdin).fileno(), data)


def input_of(
    process: subprocess.Popen[bytes],
) -> tuple[Callable[[bytes], object], Callable[[], object]]:
    """Return functions that write to the standard input of *process*, and end it.

    Both are for after its script was sent: the pipe blocks then.
    """
    pipe = _pipe(process.stdin)

    def send(data: bytes) -> None:
        os.set_blocking(pipe.fileno(), True)
        view = memoryview(data)
        while view:
            view = view[os.write(pipe.fileno(), view) :]

    return send, pipe.close


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    """Close our ends of the pipes of *process*."""
    for stream in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            _pipe(stream).close()


def communicate(
    process: subprocess.Popen[bytes],
    shell: RemoteShell,
    *,
    until: Callable[[], bool] = lambda: False,
) -> int:
    """Send and receive until *process* ends or *until()* is true; return the exit code."""
    started = time.monotonic()
    with contextlib.closing(_Pipes(process, shell)) as pipes:
        while not until():
            active = pipes.transfer(POLL_INTERVAL_S)
            if pipes.ended or (not active and process.poll() is not None):
                code = process.wait()
                return code if code >= 0 else KILLED
            seconds = time.monotonic() - started
            if shell.is_overdue(seconds):
                pipes.end_input()
            if seconds > shell.deadline_s:
                return shell.on_timeout()
    return 0


class _Pipes:
    """The pipes of *process*, read and written as they become ready."""

    def __init__(self, process: subprocess.Popen[bytes], shell: RemoteShell) -> None:
        self._selector = selectors.DefaultSelector()
        self._input = _pipe(process.stdin)
        self._stdin = self._input.fileno()
        os.set_blocking(self._stdin, False)
        self._unsent = memoryview(b"")
        self._reading = 2
        read = selectors.EVENT_READ
        self._selector.register(_pipe(process.stdout).fileno(), read, shell.on_stdout)
        self._selector.register(_pipe(process.stderr).fileno(), read, shell.on_stderr)
        self._send(shell.initial_input())

    @property
    def ended(self) -> bool:
        return not self._reading

    def close(self) -> None:
        self._selector.close()

    def end_input(self) -> None:
        """Close standard input: the watchdog of a script ends it then."""
        self._unsent = memoryview(b"")
        with contextlib.suppress(KeyError):
            self._selector.unregister(self._stdin)
        with contextlib.suppress(OSError):
            self._input.close()

    def transfer(self, timeout_s: float) -> bool:
        """Wait for data and transfer it; return False if *timeout_s* passed before."""
        events = self._selector.select(timeout_s)
        for key, _ in events:
            if key.fd == self._stdin:
                self._write()
            else:
                self._read(key)
        return bool(events)

    def _read(self, key: selectors.SelectorKey) -> None:
        if data := os.read(key.fd, CHUNK_BYTES):
            self._send(key.data(data))
        else:
            self._selector.unregister(key.fd)
            self._reading -= 1

    def _send(self, data: bytes) -> None:
        if data:
            self._unsent = memoryview(data)
            self._selector.register(self._stdin, selectors.EVENT_WRITE)

    def _write(self) -> None:
        try:
            sent = os.write(self._stdin, self._unsent[:CHUNK_BYTES])
        except BlockingIOError:
            return
        except OSError:
            # The process closed its input; its output says why.
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._selector.unregister(self._stdin)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was not started with pipes")
    return stream
