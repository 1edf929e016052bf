"""How a script gets to a host: the protocol, and the transport to this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from provision import process
from provision.become import Password
from provision.errors import AuthError, ConnectError, ConnectionLost, HostKeyError
from provision.held import Held, beating
from provision.leash import leashed
from provision.shell import Frames
from provision.talk import END_WAIT_S, Talk, first_line

if TYPE_CHECKING:
    from tenacity import RetryCallState

TRIES = 3
"""How often connecting is tried."""
TRY_FOR_S = 10.0
"""No new try is begun so long after the first; one that timed out is not repeated."""
OnRetry = Callable[[int, float, str], None]
"""Told before each new try: how many failed, the seconds until the next, and why."""


class Transport(Protocol):
    """One connection to one host; scripts may run at once from several threads."""

    def open(self) -> None:
        """Connect; does nothing when connected.

        Raises:
            ConnectError: not reachable (HostKeyError, AuthError: never retried).
        """

    def run(
        self,
        script: bytes,
        *,
        become: bool,
        limit_s: float,
        stdout: Frames,
        stderr: Frames,
    ) -> int:
        """Feed *script* to `sh -s` on the host and its output to the frames.

        The script must not read its standard input, which ends with the connection:
        then its process group is killed.

        Args:
            script: the whole script, sent on standard input.
            become: run as root, through sudo where the user is another.
            limit_s: seconds after which the host kills the script; 0 = never.
            stdout: takes the standard output as it comes.
            stderr: takes the standard error as it comes.

        Returns:
            The exit code; 124 or 137 when the limit was met.

        Raises:
            ConnectionLost: the connection went away; what ran is unknown.
            PrivilegeError: sudo refused.
            ConnectError: the login shell does not run scripts.
        """

    def hold(
        self, script: bytes, *, become: bool
    ) -> contextlib.AbstractContextManager[Held]:
        """Start *script*, give its first line of output, and keep it running.

        Its standard input gets a byte every `held.BEAT_S` seconds. It stays open until
        the context ends, and then, or with the death of this process, ends; the script
        must end by itself when it does, and may when no byte comes for long.

        Raises:
            ApplyError: it ended before it printed a line.
            ConnectionLost: the connection went away.
            PrivilegeError: sudo refused.
        """

    def close(self) -> None:
        """Disconnect; may be called at any time, from any thread."""


def connect_with_retry(
    transport: Transport,
    on_retry: OnRetry,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Open *transport*, again where that may help: the host may be booting.

    Raises:
        ConnectError: it did not help (HostKeyError, AuthError: not even tried).
    """
    started = time.monotonic()
    try:
        transport.open()
    except ConnectError as error:
        if not _may_pass(error):
            raise
        left_s = max(0.0, TRY_FOR_S - (time.monotonic() - started))
        _go_on(transport, error, left_s, on_retry, sleep)


def _go_on(
    transport: Transport,
    error: ConnectError,
    left_s: float,
    on_retry: OnRetry,
    sleep: Callable[[float], None],
) -> None:
    """Try again after *error*, for at most *left_s* seconds."""
    # Slow to import, and needed only when something went wrong.
    import tenacity

    failed = [error]

    def attempt() -> None:
        if failed:
            raise failed.pop()
        transport.open()

    def before_sleep(state: RetryCallState) -> None:
        last = state.outcome and state.outcome.exception()
        reason = last.message if isinstance(last, ConnectError) else ""
        on_retry(state.attempt_number, state.upcoming_sleep, reason)

    tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_pass),
        stop=tenacity.stop_after_attempt(TRIES) | tenacity.stop_after_delay(left_s),
        wait=_wait_s,
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )(attempt)


def _may_pass(error: BaseException) -> bool:
    final = isinstance(error, HostKeyError | AuthError)
    return isinstance(error, ConnectError) and not final


def _wait_s(state: RetryCallState) -> float:
    import tenacity

    error = state.outcome and state.outcome.exception()
    name_unknown = error and isinstance(error.__cause__, socket.gaierror)
    first_s = 0.3 if name_unknown else 2.0
    return tenacity.wait_exponential_jitter(
        multiplier=first_s, max=5, jitter=first_s / 2
    )(state)


class LocalTransport:
    """This machine; implements Transport without a connection.

    Args:
        password: what sudo may ask for.
    """

    def __init__(self, password: Password | None = None) -> None:
        self._password = password
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = True

    def open(self) -> None:
        """Allow scripts to run."""
        self._closed = False

    def close(self) -> None:
        """Kill the process groups of the scripts that run; from any thread."""
        with self._lock:
            self._closed = True
            for child in self._running:
                process.terminate(child)

    def run(
        self,
        script: bytes,
        *,
        become: bool,
        limit_s: float,
        stdout: Frames,
        stderr: Frames,
    ) -> int:
        """Run *script* on this machine; see `Transport.run`."""
        talk = Talk(
            "localhost",
            leashed(script),
            sudo=become and os.geteuid() != 0,
            password=self._password,
            limit_s=limit_s,
            stdout=stdout.feed,
            stderr=stderr.feed,
        )
        with talk, self._started(talk) as child:
            code = process.converse(child, talk)
            self._check_open()
            return talk.result(code)

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectionLost("the local transport was closed")

    @contextlib.contextmanager
    def hold(self, script: bytes, *, become: bool) -> Iterator[Held]:
        """Keep *script* running; see `Transport.hold`."""
        out, err = bytearray(), bytearray()
        talk = Talk(
            "localhost",
            script,
            sudo=become and os.geteuid() != 0,
            password=self._password,
            stdout=out.extend,
            stderr=err.extend,
        )
        with talk, self._started(talk) as child:
            code = process.converse(child, talk, enough=lambda: b"\n" in out)
            self._check_open()
            line = first_line(talk, code, out, err)
            try:
                with beating(lambda beat: process.put(child, beat)):
                    yield Held(line, lambda: child.poll() is None)
            finally:
                process.close_pipes(child)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(END_WAIT_S)

    @contextlib.contextmanager
    def _started(self, talk: Talk) -> Iterator[subprocess.Popen[bytes]]:
        """The talk's command, in a process group that does not survive the context."""
        with self._lock:
            if self._closed:
                raise ConnectionLost("the local transport is closed")
            child = process.start(talk.argv)
            self._running.add(child)
        try:
            yield child
        finally:
            process.close_pipes(child)
            if child.poll() is None:
                process.terminate(child)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(END_WAIT_S)
            with self._lock:
                self._running.discard(child)
