"""Scripts over SSH: line.py connects, channels of our own carry the scripts."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import paramiko

from provision.become import Password, Passwords
from provision.errors import ConnectError, ConnectionLost
from provision.held import Held, beating
from provision.leash import leashed
from provision.ssh.line import Line
from provision.ssh.pulse import Pulse
from provision.talk import (
    END_WAIT_S,
    KILLED,
    LOOK_S,
    START_LIMIT_S,
    Talk,
    first_line,
)

if TYPE_CHECKING:
    from provision.inventory import Host
    from provision.shell import Frames

CONNECT_TIMEOUT_S = 10.0
"""Longest time each of connecting, greeting and logging in may take."""
SILENCE_S = 30.0
"""A connection on which nothing was heard for so long, though asked, is lost."""
CHUNK_BYTES = 256 * 1024
"""How much output is taken from a channel at once."""
SEND_BYTES = 32 * 1024
"""How much of a script goes into one packet."""

_pulse = Pulse()


class SshTransport:
    """A connection to *host*; implements `transport.Transport`.

    Several scripts may run at once, each from its own thread. A script's process
    group on the host is killed when the host notices the end of the connection:
    at once after `close` or the death of this process, and at the script's time
    limit at the latest when the link is cut.

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
        self._line: Line | None = None

    def open(self) -> None:
        """Connect; does nothing when connected.

        Raises:
            ConnectError: not reachable (HostKeyError, AuthError: never retried).
        """
        if self._line and self._line.active:
            return
        self.close()
        line = Line(self._host, timeout_s=self._timeout_s, silence_s=self._silence_s)
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

    def run(
        self,
        script: bytes,
        *,
        become: bool,
        limit_s: float,
        stdout: Frames,
        stderr: Frames,
    ) -> int:
        """Run *script* on the host; see `transport.Transport.run`."""
        line = self._connected()
        talk = Talk(
            line.who,
            leashed(script),
            sudo=become and line.user != "root",
            password=self._password,
            limit_s=limit_s,
            stdout=stdout.feed,
            stderr=stderr.feed,
        )
        with talk, _channel(line, talk) as channel:
            return talk.result(_converse(line, channel, talk))

    @contextlib.contextmanager
    def hold(self, script: bytes, *, become: bool) -> Iterator[Held]:
        """Keep *script* running; see `transport.Transport.hold`."""
        line = self._connected()
        out, err = bytearray(), bytearray()
        talk = Talk(
            line.who,
            script,
            sudo=become and line.user != "root",
            password=self._password,
            stdout=out.extend,
            stderr=err.extend,
        )
        with talk, _channel(line, talk) as channel:
            code = _converse(line, channel, talk, enough=lambda: b"\n" in out)
            held = Held(
                first_line(talk, code, out, err),
                lambda: line.active and not channel.eof_received and not channel.closed,
            )
            try:
                with beating(channel.sendall):
                    yield held
            finally:
                with contextlib.suppress(OSError, EOFError):
                    channel.shutdown_write()
                    channel.status_event.wait(END_WAIT_S)

    def _connected(self) -> Line:
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
def _channel(line: Line, talk: Talk) -> Iterator[paramiko.Channel]:
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
    line: Line,
    channel: paramiko.Channel,
    talk: Talk,
    *,
    enough: Callable[[], bool] = lambda: False,
) -> int:
    """Carry both ways until the script ends or *enough* was heard; the exit code."""
    ready = _Ready()
    channel.in_buffer.set_event(ready)
    channel.in_stderr_buffer.set_event(ready)
    _send(channel, talk.opening())
    started = time.monotonic()
    while not enough():
        heard = ready.pause(LOOK_S)
        over = channel.eof_received or channel.closed
        while _drain(channel, talk):
            pass
        if over or (not heard and channel.exit_status_ready()):
            return _exit_code(line, channel)
        # A host that says nothing at all is not slow: its line is about to be lost.
        if time.monotonic() - started > talk.patience_s and not line.quiet:
            return talk.overdue()
    return 0


def _drain(channel: paramiko.Channel, talk: Talk) -> bool:
    """Hand over what has come on each stream; whether anything had."""
    got = False
    if channel.recv_ready():
        got = True
        _send(channel, talk.hear(channel.recv(CHUNK_BYTES)))
    if channel.recv_stderr_ready():
        got = True
        _send(channel, talk.hear_error(channel.recv_stderr(CHUNK_BYTES)))
    return got


def _exit_code(line: Line, channel: paramiko.Channel) -> int:
    code = channel.recv_exit_status()
    if code >= 0:
        return code
    # Without an exit status, a close by the host means the end by a signal.
    if channel.eof_received and line.active:
        return KILLED
    raise line.lost()


def _send(channel: paramiko.Channel, data: bytes) -> None:
    """Send *data*; in the background where the host has to read some of it first."""
    if len(data) <= channel.out_window_size:
        _send_all(channel, data)
    else:
        sender = threading.Thread(target=_send_all, args=(channel, data), daemon=True)
        sender.start()


def _send_all(channel: paramiko.Channel, data: bytes) -> None:
    # A host that closed the channel says why on the streams we read.
    with contextlib.suppress(OSError, EOFError):
        for start in range(0, len(data), SEND_BYTES):
            channel.sendall(data[start : start + SEND_BYTES])
