"""Sockets to a host: over TCP, or through a proxy command."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any, Protocol

GREETING = re.compile(rb"^SSH-\d", re.M)
"""The beginning of an SSH server's greeting."""
FIRST_BYTES = 4096
"""Bytes kept of what comes before it."""
PROXY_EXIT_S = 0.5
"""Seconds that a proxy command may take to end after it has closed its output."""
PROXY_END_S = 2.0
"""Seconds that a proxy command gets to end after its input has ended."""


class Closable(Protocol):
    """Anything that can be closed."""

    def close(self) -> Any: ...


FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
"""The families of addresses, as AddressFamily of ssh_config calls them."""


def dial(
    name: str,
    port: int,
    timeout_s: float,
    keep: Callable[[Closable], object],
    *,
    family: str = "any",
    bind: str = "",
) -> socket.socket:
    """Open a TCP connection to the first address of *name* that answers.

    Args:
        name: a name or address.
        port: the port.
        timeout_s: longest time for each address.
        keep: is given each socket before it connects, to close it from elsewhere.
        family: `any`, or a word of `FAMILIES`.
        bind: the address to connect from; "" = any.

    Raises:
        OSError: no address answers.
    """
    failure = OSError("the name has no address")
    found = socket.getaddrinfo(
        name, port, FAMILIES.get(family, socket.AF_UNSPEC), socket.SOCK_STREAM
    )
    for number, kind, protocol, _, address in found:
        sock = socket.socket(number, kind, protocol)
        keep(ActivitySocket(sock))
        sock.settimeout(timeout_s)
        try:
            if bind:
                sock.bind((bind, 0))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    raise failure


class ProxyCommand:
    """A command whose standard input and output lead to the host.

    It gets one end of a socket pair. Paramiko's own ProxyCommand reads a pipe, does not
    see its end, and leaves a zombie.
    """

    def __init__(self, command: str) -> None:
        self.socket, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        with theirs:
            self._process = subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._errors,
            )

    def exit_code(self) -> int | None:
        """Return its exit code if it has ended, or ends soon; else None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(PROXY_EXIT_S)
        return None

    def errors(self) -> list[str]:
        """Return the last lines of its standard error."""
        size = os.fstat(self._errors.fileno()).st_size
        tail = os.pread(self._errors.fileno(), FIRST_BYTES, max(0, size - FIRST_BYTES))
        return [
            line
            for line in tail.decode("utf-8", "replace").splitlines()
            if line.strip()
        ]

    def close(self) -> None:
        """End the command, and wait for it."""
        ActivitySocket(self.socket).close()
        self._process.terminate()
        try:
            self._process.wait(PROXY_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()


class ActivitySocket:
    """A socket that knows when it last received data, and closes at once.

    It keeps the first lines, since paramiko drops those before an SSH server's greeting.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._first = b""
        self.ended = False
        self.last_received_s = time.monotonic()

    @property
    def greeted(self) -> bool:
        """True once the greeting of an SSH server has come."""
        return GREETING.search(self._first) is not None

    @property
    def before_greeting(self) -> list[str]:
        """The lines that came before the greeting, or instead of it."""
        before = GREETING.split(self._first, maxsplit=1)[0]
        lines = before.decode("utf-8", "replace").splitlines()
        return [line.rstrip() for line in lines if line.strip()]

    def recv(self, size: int) -> bytes:
        data: bytes = self._sock.recv(size)
        self.last_received_s = time.monotonic()
        self.ended = not data
        if len(self._first) < FIRST_BYTES and not self.greeted:
            self._first += data
        return data

    def close(self) -> None:
        # Closing alone does not wake a thread that waits for the socket.
        with contextlib.suppress(OSError, AttributeError, EOFError):
            self._sock.shutdown(socket.SHUT_RDWR)
        # Closing a channel through a jump host sends a message, which may fail.
        with contextlib.suppress(OSError, EOFError):
            self._sock.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
