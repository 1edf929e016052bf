"""Scripts over SSH: one connection to a host, and a channel for each script."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import paramiko

from provision.errors import ConnectError, ConnectionLost
from provision.transport.protocol import HeldScript, Source
from provision.transport.remote_shell import (
    END_WAIT_S,
    KILLED,
    POLL_INTERVAL_S,
    START_LIMIT_S,
    RemoteShell,
    first_line,
)
from provision.transport.ssh.algorithms import is_quantum_safe, slow_kex_warning
from provision.transport.ssh.channels.session import (
    WIDE_WINDOW,
    in_packets,
    open_tunnel,
)
from provision.transport.ssh.channels.terminal import run_on_terminal
from provision.transport.ssh.connection import SshConnection
from provision.transport.ssh.keepalive import KeepaliveMonitor
from provision.transport.ssh.limits import SessionLimiter
from provision.transport.streaming import Feeder, FirstLine
from provision.transport.sudo_password import Password, Passwords
from provision.transport.watchdog import (
    ENDED,
    HEARTBEAT_TIMEOUT_S,
    heartbeats,
    with_watchdog,
)

if TYPE_CHECKING:
    from provision.config.inventory import Host
    from provision.model.script import Script

CONNECT_TIMEOUT_S = 10.0
"""Longest time each of connecting, greeting and logging in may take."""
LOST_AFTER_S = 30.0
"""Seconds without any answer after which a connection is lost."""
CHUNK_BYTES = WIDE_WINDOW
"""Bytes of output taken from a channel at once: all that it can hold.

Where some is left, paramiko moves the whole rest to the front of its buffer each time,
which took a third of the CPU of a copy from three hosts.
"""
SEND_BYTES = 32 * 1024
"""Bytes of a script in one packet."""

_keepalive = KeepaliveMonitor()


class SshTransport:
    """A connection to *host*; implements `protocol.Transport`.

    Several scripts may run at once, each from its own thread. A script's process
    group on the host is killed when the host notices the end of the connection:
    at once after `close` or the end of this process. One with a heartbeat is killed as
    well when the network is cut, after `watchdog.HEARTBEAT_TIMEOUT_S`.

    Args:
        host: where and as whom to connect.
        password: what sudo may ask for; by default the host's own.
        timeout_s: longest time connecting, greeting and logging in may take each.
        silence_s: seconds without any answer after which the connection is lost.
        warn: called with a warning when the key exchange is slow.
    """

    def __init__(
        self,
        host: Host,
        password: Password | None = None,
        *,
        timeout_s: float = CONNECT_TIMEOUT_S,
        silence_s: float = LOST_AFTER_S,
        warn: Callable[[str], object] = lambda message: None,
    ) -> None:
        self._host = host
        self._password = password or Passwords().of(host.become_password)
        self._timeout_s = timeout_s
        self._silence_s = silence_s
        self._warn = warn
        self._connection: SshConnection | None = None
        self._sessions = SessionLimiter()

    def open(self) -> None:
        """Connect; does nothing when connected.

        Raises:
            ConnectError: not reachable; one that is `final` is not retried.
        """
        if self._connection and self._connection.active:
            return
        self.close()
        connection = SshConnection(
            self._host, timeout_s=self._timeout_s, silence_s=self._silence_s
        )
        self._connection = connection
        connection.open()
        _keepalive.watch(connection)
        if warning := slow_kex_warning(connection.key_exchange):
            self._warn(warning)

    @property
    def quantum_safe(self) -> bool:
        """False if a quantum computer could read a recording of the connection."""
        return self._connection is None or is_quantum_safe(
            self._connection.key_exchange
        )

    def close(self) -> None:
        """Disconnect; may be called at any time, from any thread."""
        connection, self._connection = self._connection, None
        if connection:
            _keepalive.forget(connection)
            connection.drop()

    def run(self, script: Script) -> int:
        """Run *script* on the host, after others where its sshd allows few at a time."""
        return self._in_session(lambda: self._run(script))

    def stream(self, script: Script, source: Source) -> int:
        """Run *script*, and send it data; see `Transport.stream`."""
        return self._in_session(lambda: self._stream(script, source))

    def _in_session(self, run: Callable[[], int]) -> int:
        """Return what *run* does, which is tried again if sshd refuses it a session."""
        while True:
            with self._sessions.slot():
                try:
                    code = run()
                except SessionRefused:
                    if not self._sessions.refused():
                        raise
                    continue
                self._sessions.ended()
                return code

    def _run(self, script: Script) -> int:
        connection, start = self._connected(), time.monotonic()
        shell = RemoteShell(
            connection.who,
            with_watchdog(script, heartbeat=script.heartbeat),
            sudo=script.become and connection.user != "root",
            password=self._password,
        )
        with shell, self._channel(connection, shell) as channel:
            code = _communicate(connection, channel, shell, heartbeat=script.heartbeat)
            seconds = time.monotonic() - start
            lost = script.heartbeat and not shell.cut
            if lost and _ended_by_watchdog(code, seconds, script.limit_s):
                raise ConnectionLost(
                    f"{connection.who} lost contact with the controller and stopped the "
                    "step"
                )
            return shell.result(code)

    def _stream(self, script: Script, source: Source) -> int:
        connection = self._connected()
        first = FirstLine(script.stdout)
        shell = RemoteShell(
            connection.who,
            replace(script, stdout=first),
            sudo=script.become and connection.user != "root",
            password=self._password,
        )
        with shell, self._channel(connection, shell, WIDE_WINDOW) as channel:
            send, end = channel.sendall, channel.shutdown_write
            feeder = Feeder(first, in_packets(source, channel), send, end)
            until = feeder.start_when_ready
            code = _communicate(connection, channel, shell, until=until)
            feeder.check()
            return shell.result(code)

    def terminal(self, command: str) -> int:
        """Run *command* on our terminal; see `InteractiveTransport.terminal`."""
        connection = self._connected()
        return run_on_terminal(connection, command)

    def tunnel(self, host: str, port: int) -> socket.socket:
        """Connect from the host; see `InteractiveTransport.tunnel`."""
        return open_tunnel(self._connected(), host, port)

    @contextlib.contextmanager
    def hold(self, script: Script) -> Iterator[HeldScript]:
        """Keep *script* running; see `Transport.hold`."""
        connection = self._connected()
        out, err = bytearray(), bytearray()
        shell = RemoteShell(
            connection.who,
            replace(script, stdout=out.extend, stderr=err.extend),
            sudo=script.become and connection.user != "root",
            password=self._password,
        )
        with shell, self._channel(connection, shell) as channel:
            code = _communicate(connection, channel, shell, until=lambda: b"\n" in out)
            held = HeldScript(
                first_line(shell, code, out, err),
                lambda: (
                    connection.active
                    and not channel.eof_received
                    and not channel.closed
                ),
            )
            try:
                with heartbeats(channel.sendall):
                    yield held
            finally:
                with contextlib.suppress(OSError, EOFError):
                    channel.shutdown_write()
                    channel.status_event.wait(END_WAIT_S)

    def _channel(
        self, connection: SshConnection, shell: RemoteShell, window: int | None = None
    ) -> contextlib.closing[paramiko.Channel]:
        with self._sessions.opening:
            return contextlib.closing(_open_channel(connection, shell, window))

    def _connected(self) -> SshConnection:
        if self._connection is None or not self._connection.active:
            raise ConnectionLost(f"the connection to {self._host.name} is closed")
        return self._connection


class SessionRefused(ConnectError):
    """sshd does not allow one more session of the connection."""


class _Ready(threading.Event):
    """Set when a channel has data; only its reader clears it.

    A channel's two streams share it, and each would clear it for the other.
    """

    def clear(self) -> None:
        """Do nothing."""

    def pause(self, limit_s: float) -> bool:
        """Wait until set, and unset it; False when *limit_s* passed before."""
        was_set = self.wait(limit_s)
        super().clear()
        return was_set


def _open_channel(
    connection: SshConnection, shell: RemoteShell, window: int | None = None
) -> paramiko.Channel:
    """Open a channel and start the command of *shell* on it."""
    try:
        channel = connection.transport.open_session(
            window_size=window, timeout=START_LIMIT_S
        )
        channel.exec_command(shell.command)
    except (paramiko.SSHException, EOFError, OSError) as error:
        if isinstance(error, paramiko.ChannelException) and connection.active:
            raise SessionRefused(
                f"{connection.who}: sshd refuses another session ({error.text})",
                hint="raise MaxSessions in the host's sshd_config",
            ) from error
        raise connection.lost() from error
    return channel


def _communicate(
    connection: SshConnection,
    channel: paramiko.Channel,
    shell: RemoteShell,
    *,
    heartbeat: bool = False,
    until: Callable[[], bool] = lambda: False,
) -> int:
    """Send and receive until the script ends or *until()* is true; return its exit code.

    Heartbeats begin once the shell runs: by then the script is sent, or being sent.
    """
    ready, writer = _Ready(), _ChannelWriter(channel)
    channel.in_buffer.set_event(ready)
    channel.in_stderr_buffer.set_event(ready)
    writer.send(shell.initial_input())
    now = start = time.monotonic()
    sending_heartbeats = False
    with contextlib.ExitStack() as stack:
        while not until():
            active = ready.pause(POLL_INTERVAL_S)
            over = channel.eof_received or channel.closed
            while _receive(channel, shell, writer):
                pass
            if heartbeat and shell.started and not sending_heartbeats:
                stack.enter_context(heartbeats(writer.send_heartbeat))
                sending_heartbeats = True
            if over or (not active and channel.exit_status_ready()):
                return _exit_code(connection, channel)
            before, now = now, time.monotonic()
            if connection.idle:
                # A host that sends nothing at all is not slow: its connection is about
                # to be lost. If it comes back it has as much time as before.
                start += now - before
                continue
            if shell.is_overdue(now - start):
                with contextlib.suppress(OSError, EOFError):
                    channel.shutdown_write()
            if now - start > shell.deadline_s:
                return shell.on_timeout()
    return 0


def _ended_by_watchdog(code: int, seconds: float, limit_s: float) -> bool:
    """Tell whether the watchdog ended a script that took *seconds*, with exit *code*."""
    killed = code == KILLED and seconds > HEARTBEAT_TIMEOUT_S
    return (code == ENDED or killed) and seconds < limit_s


def _receive(
    channel: paramiko.Channel, shell: RemoteShell, writer: _ChannelWriter
) -> bool:
    """Hand over what has arrived on each stream; return False if nothing had."""
    got = False
    if channel.recv_ready():
        got = True
        writer.send(shell.on_stdout(channel.recv(CHUNK_BYTES)))
    if channel.recv_stderr_ready():
        got = True
        writer.send(shell.on_stderr(channel.recv_stderr(CHUNK_BYTES)))
    return got


def _exit_code(connection: SshConnection, channel: paramiko.Channel) -> int:
    code = channel.recv_exit_status()
    if code >= 0:
        return code
    # Without an exit status, a close by the host means the end by a signal.
    if channel.eof_received and connection.active:
        return KILLED
    raise connection.lost()


class _ChannelWriter:
    """Sends on a channel, one thing after the other: no heartbeat inside a script."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._free = threading.Lock()

    def send(self, data: bytes) -> None:
        """Send *data*; in the background if the host has to read some of it first."""
        if not data:
            return
        self._free.acquire()
        if len(data) <= self._channel.out_window_size:
            self._send_all(data)
        else:
            threading.Thread(target=self._send_all, args=(data,), daemon=True).start()

    def send_heartbeat(self, data: bytes) -> None:
        """Send *data* after everything that waits to be sent.

        Raises:
            OSError: the channel is closed.
        """
        with self._free:
            self._channel.sendall(data)

    def _send_all(self, data: bytes) -> None:
        try:
            # If the host closed the channel, the streams that we read have the reason.
            with contextlib.suppress(OSError, EOFError):
                for start in range(0, len(data), SEND_BYTES):
                    self._channel.sendall(data[start : start + SEND_BYTES])
        finally:
            self._free.release()
