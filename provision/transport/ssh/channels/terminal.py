"""A command on the terminal of this process, over a connection."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType

import paramiko

from provision.transport.ssh.connection import SshConnection

READ_BYTES = 64 * 1024
POLL_S = 1.0
OPEN_LIMIT_S = 30.0


def run_on_terminal(connection: SshConnection, command: str) -> int:
    """Run *command* of the login shell on our terminal; return its exit code.

    Raises:
        ConnectionLost: the connection was lost.
    """
    try:
        channel = connection.transport.open_session(timeout=OPEN_LIMIT_S)
        width, height = os.get_terminal_size(sys.stdout.fileno())
        channel.get_pty(os.environ.get("TERM", "xterm"), width, height)
        channel.exec_command(command)
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise connection.lost() from error
    with contextlib.closing(channel), _raw_terminal(), _resizing(channel):
        _carry(channel)
        code = channel.recv_exit_status() if _has_ended(channel) else -1
    if code < 0:
        raise connection.lost()
    return code


def _has_ended(channel: paramiko.Channel) -> bool:
    return bool(channel.eof_received or channel.exit_status_ready())


def _carry(channel: paramiko.Channel) -> None:
    """Carry what is typed to the channel, and what it prints to the terminal."""
    typing = [sys.stdin.fileno()]
    while True:
        readable, _, _ = select.select([channel, *typing], [], [], POLL_S)
        if channel in readable:
            data = channel.recv(READ_BYTES)
            if not data:
                return
            _write(data)
        if typing and typing[0] in readable:
            typed = os.read(typing[0], READ_BYTES)
            if typed:
                with contextlib.suppress(OSError, EOFError):
                    channel.sendall(typed)
            else:
                channel.shutdown_write()
                typing = []


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Let every key go to the host; the terminal is as before afterwards."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _resizing(channel: paramiko.Channel) -> Iterator[None]:
    """Tell the host each new size of the terminal."""

    def resized(number: int, frame: FrameType | None) -> None:
        width, height = os.get_terminal_size(sys.stdout.fileno())
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            channel.resize_pty(width, height)

    before = signal.signal(signal.SIGWINCH, resized)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
