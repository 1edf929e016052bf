"""Scripts over SSH: line.py connects, channels of our own carry the scripts."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import paramiko

from provision.errors import ConnectError, ConnectionLost
from provision.transport.heartbeat import HeldScript, heartbeat
from provision.transport.remote_shell import (
    END_WAIT_S,
    KILLED,
    LOOK_S,
    START_LIMIT_S,
    RemoteShell,
    first_line,
)
from provision.transport.ssh.connection import SshConnection
from provision.transport.ssh.keepalive import KeepaliveMonitor
from provision.transport.sudo_password import Password, Passwords
from provision.transport.watchdog import ENDED, with_watchdog
from provision.transport.watchdog import SILENCE_S as LEASH_SILENCE_S

if TYPE_CHECKING:
    from provision.config.inventory import Host
    from provision.model.script import Script

CONNECT_TIMEOUT_S = 10.0
"""Longest time each of connecting, greeting and logging in may take."""
SILENCE_S = 30.0
"""A connection on which nothing was heard for so long, though asked, is lost."""
CHUNK_BYTES = 256 * 1024
"""How much output is taken from a channel at once."""
SEND_BYTES = 32 * 1024
"""How much of a script goes into one packet."""

_pulse = KeepaliveMonitor()


class SshTransport:
    """A connection to *host*; implements `transport.Transport`.

    Several scripts may run at once, each from its own thread. A script's process
    group on the host is killed when the host notices the end of the connection:
    at once after `close` or the death of this process. One that changes something is
    killed as well when the link is cut, after `leash.SILENCE_S`.

    Args:
        host: where and as whom to connect.
        password: what sudo may ask for; by default the host's own.
        timeout_s: longest time connecting, greeting and logging in may take each.
        silence_s: a link that is silent for so long, though asked, is lost.
        warn: is told when a connection is much dearer than it need be.
    """

    def __init__(
        self,
        host: Host,
        password: Password | None = None,
        *,
        timeout_s: float = CONNECT_TIMEOUT_S,
        silence_s: float = SILENCE_S,
        warn: Callable[[str], object] = lambda message: None,
    ) -> None:
        self._host = host
        self._password = password or Passwords().of(host.become_password)
        self._timeout_s = timeout_s
        self._silence_s = silence_s
        self._warn = warn
        self._line: SshConnection | None = None

    def open(self) -> None:
        """Connect; does nothing when connected.

        Raises:
            ConnectError: not reachable (HostKeyError, AuthError: never retried).
        """
        if self._line and self._line.active:
            return
        self.close()
        line = SshConnection(
            self._host, timeout_s=self._timeout_s, silence_s=self._silence_s
        )
        self._line = line
        line.open()
        _pulse.watch(line)
        if line.slow:
            self._warn(line.slow)

    def close(self) -> None:
        """Disconnect; may be called at any time, from any thread."""
        line, self._line = self._line, None
        if line:
            _pulse.forget(line)
            line.drop()

    def run(self, script: Script) -> int:
        """Run *script* on the host; see `transport.Transport.run`."""
        line, beats, started = self._connected(), script.heartbeat, time.monotonic()
        talk = RemoteShell(
            line.who,
            with_watchdog(script, heartbeat=beats),
            sudo=script.become and line.user != "root",
            password=self._password,
        )
        with talk, _channel(line, talk) as channel, contextlib.ExitStack() as stack:
            mouth = _Mouth(channel)

            def begun() -> None:
                if beats:
                    stack.enter_context(heartbeat(mouth.say_beat))

            code = _converse(line, channel, talk, mouth, begun=begun)
            if beats and _was_ended(code, time.monotonic() - started, script.limit_s):
                said = f"{line.who} had not heard from here, and ended the step"
                raise ConnectionLost(said)
            return talk.result(code)

    @contextlib.contextmanager
    def hold(self, script: Script) -> Iterator[HeldScript]:
        """Keep *script* running; see `transport.Transport.hold`."""
        line = self._connected()
        out, err = bytearray(), bytearray()
        talk = RemoteShell(
            line.who,
            replace(script, stdout=out.extend, stderr=err.extend),
            sudo=script.become and line.user != "root",
            password=self._password,
        )
        with talk, _channel(line, talk) as channel:
            mouth = _Mouth(channel)
            code = _converse(line, channel, talk, mouth, enough=lambda: b"\n" in out)
            held = HeldScript(
                first_line(talk, code, out, err),
                lambda: line.active and not channel.eof_received and not channel.closed,
            )
            try:
                with heartbeat(channel.sendall):
                    yield held
            finally:
                with contextlib.suppress(OSError, EOFError):
                    channel.shutdown_write()
                    channel.status_event.wait(END_WAIT_S)

    def _connected(self) -> SshConnection:
        if self._line is None or not self._line.active:
            raise ConnectionLost(f"the connection to {self._host.name} is closed")
        return self._line


class _Ready(threading.Event):
    """Set when a channel has something; only its reader clears it.

    A channel's two streams share it, and each would clear it for the other.
    """

    def clear(self) -> None:
        """Does nothing."""

    def pause(self, limit_s: float) -> bool:
        """Wait until set, and unset it; False when *limit_s* passed before."""
        was_set = self.wait(limit_s)
        super().clear()
        return was_set


@contextlib.contextmanager
def _channel(line: SshConnection, talk: RemoteShell) -> Iterator[paramiko.Channel]:
    """A channel on which the talk's command was started."""
    try:
        channel = line.transport.open_session(timeout=START_LIMIT_S)
        channel.exec_command(talk.command)
    except (paramiko.SSHException, EOFError, OSError) as error:
        if isinstance(error, paramiko.ChannelException) and line.active:
            raise ConnectError(
                f"{line.who}: sshd refuses another session ({error.text})",
                hint="raise MaxSessions in the host's sshd_config",
            ) from error
        raise line.lost() from error
    with contextlib.closing(channel):
        yield channel


def _converse(
    line: SshConnection,
    channel: paramiko.Channel,
    talk: RemoteShell,
    mouth: _Mouth,
    *,
    enough: Callable[[], bool] = lambda: False,
    begun: Callable[[], None] = lambda: None,
) -> int:
    """Carry both ways until the script ends or *enough* was heard; the exit code.

    *begun* is called when the whole script was said, or is being said.
    """
    ready = _Ready()
    channel.in_buffer.set_event(ready)
    channel.in_stderr_buffer.set_event(ready)
    mouth.say(talk.opening())
    started, tell = time.monotonic(), begun
    while not enough():
        heard = ready.pause(LOOK_S)
        over = channel.eof_received or channel.closed
        while _drain(channel, talk, mouth):
            pass
        if talk.begun:
            tell()
            tell = _nothing
        if over or (not heard and channel.exit_status_ready()):
            return _exit_code(line, channel)
        # A host that says nothing at all is not slow: its line is about to be lost.
        if time.monotonic() - started > talk.patience_s and not line.quiet:
            return talk.overdue()
    return 0


def _nothing() -> None:
    """What is left to tell."""


def _was_ended(code: int, seconds: float, limit_s: float) -> bool:
    """Whether a script that ended so was ended because it had not heard us."""
    killed = code == KILLED and seconds > LEASH_SILENCE_S
    return (code == ENDED or killed) and seconds < limit_s


def _drain(channel: paramiko.Channel, talk: RemoteShell, mouth: _Mouth) -> bool:
    """Hand over what has come on each stream; whether anything had."""
    got = False
    if channel.recv_ready():
        got = True
        mouth.say(talk.hear(channel.recv(CHUNK_BYTES)))
    if channel.recv_stderr_ready():
        got = True
        mouth.say(talk.hear_error(channel.recv_stderr(CHUNK_BYTES)))
    return got


def _exit_code(line: SshConnection, channel: paramiko.Channel) -> int:
    code = channel.recv_exit_status()
    if code >= 0:
        return code
    # Without an exit status, a close by the host means the end by a signal.
    if channel.eof_received and line.active:
        return KILLED
    raise line.lost()


class _Mouth:
    """What is said on a channel, one after the other: no beat into a script's midst."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._free = threading.Lock()

    def say(self, data: bytes) -> None:
        """Send *data*; in the background where the host has to read some of it first."""
        if not data:
            return
        self._free.acquire()
        if len(data) <= self._channel.out_window_size:
            self._send(data)
        else:
            threading.Thread(target=self._send, args=(data,), daemon=True).start()

    def say_beat(self, beat: bytes) -> None:
        """Send *beat*, after all else.

        Raises:
            OSError: the channel is closed.
        """
        with self._free:
            self._channel.sendall(beat)

    def _send(self, data: bytes) -> None:
        try:
            # A host that closed the channel says why on the streams we read.
            with contextlib.suppress(OSError, EOFError):
                for start in range(0, len(data), SEND_BYTES):
                    self._channel.sendall(data[start : start + SEND_BYTES])
        finally:
            self._free.release()
