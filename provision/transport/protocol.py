"""The protocol of a transport, which runs scripts on one host."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from provision.model.script import Script


@dataclass(frozen=True, slots=True)
class HeldScript:
    """A script that is kept running.

    Attributes:
        line: its first line of output.
        alive: returns true while it runs, as far as is known.
    """

    line: str
    alive: Callable[[], bool]


Source = Callable[[str], Iterable[bytes]]
"""Takes the first line that a script prints; yields what to send to its standard input."""


class Transport(Protocol):
    """One connection to one host; scripts may run at once from several threads."""

    @property
    def quantum_safe(self) -> bool:
        """False if a quantum computer could read a recording of the connection."""

    def open(self) -> None:
        """Connect; does nothing when connected.

        Raises:
            ConnectError: not reachable; one that is `final` is not retried.
        """

    def run(self, script: Script) -> int:
        """Run *script* on the host, its output going to its sinks as it comes.

        The script must not read its standard input, which ends with the connection:
        then its process group is killed.

        Returns:
            The exit code; 124 or 137 when the limit was met.

        Raises:
            ConnectionLost: the connection was lost; the state of the host is unknown.
            PrivilegeError: sudo refused.
            ConnectError: the login shell does not run scripts.
        """

    def stream(self, script: Script, source: Source) -> int:
        """Run *script*; after its first line, send what *source* yields to its input.

        Its standard input ends after that, or with the connection: the script must be
        able to tell the two apart. The first line is not part of its output.

        Returns:
            The exit code.

        Raises:
            ConnectionLost: the connection was lost.
            PrivilegeError: sudo refused.
        """

    def hold(self, script: Script) -> contextlib.AbstractContextManager[HeldScript]:
        """Start *script*, give its first line of output, and keep it running.

        Its sinks and its `heartbeat` are not used: it always gets a byte on standard
        input every `watchdog.HEARTBEAT_S` seconds. The input stays open until the context
        ends or this process dies; the script must end by itself when its input ends, and
        may end when no byte has come for long.

        Raises:
            ApplyError: it ended before it printed a line.
            ConnectionLost: the connection was lost.
            PrivilegeError: sudo refused.
        """

    def close(self) -> None:
        """Disconnect; may be called at any time, from any thread."""


class InteractiveTransport(Transport, Protocol):
    """A transport that also carries a terminal, and TCP connections."""

    def terminal(self, command: str) -> int:
        """Run a *command* of the login shell on this process's terminal; return its exit code.

        Raises:
            ConnectionLost: the connection was lost.
        """

    def tunnel(self, host: str, port: int) -> socket.socket:
        """Return a TCP connection that the host makes to *port* of *host*.

        Raises:
            ConnectError: nobody answers there.
            ConnectionLost: the connection was lost.
        """
