"""A talk with a child process over its three pipes."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from typing import IO

from provision.transport.remote_shell import KILLED, LOOK_S, RemoteShell

CHUNK_BYTES = 64 * 1024
"""How much is read or written at once."""


def start(argv: list[str]) -> subprocess.Popen[bytes]:
    """Start *argv* in a process group of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    )


def terminate(process: subprocess.Popen[bytes]) -> None:
    """Signal the group of *process*; one of root's ends with its standard input."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)


def put(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Write a little to the standard input of *process*.

    Raises:
        OSError: it reads no more.
        ValueError: our end is closed.
    """
    os.write(_pipe(process.stdin).fileno(), data)


def close_pipes(process: subprocess.Popen[bytes]) -> None:
    """Close our ends of the pipes of *process*."""
    for stream in (process.stdin, process.stdout, process.stderr):
        with contextlib.suppress(OSError):
            _pipe(stream).close()


def converse(
    process: subprocess.Popen[bytes],
    talk: RemoteShell,
    *,
    enough: Callable[[], bool] = lambda: False,
) -> int:
    """Carry both ways until it ends or *enough* was heard; the exit code."""
    started = time.monotonic()
    with contextlib.closing(_Wires(process, talk)) as wires:
        while not enough():
            heard = wires.carry(LOOK_S)
            if wires.ended or (not heard and process.poll() is not None):
                code = process.wait()
                return code if code >= 0 else KILLED
            if time.monotonic() - started > talk.patience_s:
                return talk.overdue()
    return 0


class _Wires:
    """The pipes of *process*, read and written as they are ready."""

    def __init__(self, process: subprocess.Popen[bytes], talk: RemoteShell) -> None:
        self._selector = selectors.DefaultSelector()
        self._stdin = _pipe(process.stdin).fileno()
        os.set_blocking(self._stdin, False)
        self._outbox = memoryview(b"")
        self._reading = 2
        read = selectors.EVENT_READ
        self._selector.register(_pipe(process.stdout).fileno(), read, talk.hear)
        self._selector.register(_pipe(process.stderr).fileno(), read, talk.hear_error)
        self._send(talk.opening())

    @property
    def ended(self) -> bool:
        return not self._reading

    def close(self) -> None:
        self._selector.close()

    def carry(self, limit_s: float) -> bool:
        """Wait for something to carry; False when *limit_s* passed before."""
        events = self._selector.select(limit_s)
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
            self._outbox = memoryview(data)
            self._selector.register(self._stdin, selectors.EVENT_WRITE)

    def _write(self) -> None:
        try:
            sent = os.write(self._stdin, self._outbox[:CHUNK_BYTES])
        except BlockingIOError:
            return
        except OSError:
            # It closed its input; what it prints says why.
            sent = len(self._outbox)
        self._outbox = self._outbox[sent:]
        if not self._outbox:
            self._selector.unregister(self._stdin)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was not started with pipes")
    return stream
