"""Listeners of this machine whose connections go on through SSH to one address."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer, ThreadingMixIn
from typing import Protocol

from provision.errors import HostError

PIECE = 64 * 1024


class Connection(Protocol):
    """A TCP connection, or a channel of SSH, which has the same methods."""

    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> object: ...
    def shutdown(self, how: int, /) -> object: ...
    def close(self) -> object: ...


Dial = Callable[[], Connection]
"""Opens a connection to the address, raises HostError if it cannot."""


class _Forwarding(ThreadingMixIn, TCPServer):
    """A listener whose connections go on to what *dial* opens.

    Attributes:
        error: why the last connection could not go on; None = it could.
    """

    daemon_threads = True
    block_on_close = False
    dial: Dial
    error: HostError | None = None

    def start(self) -> None:
        """Serve in a thread, until `stop`."""
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        """Listen no longer."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: a browser that leaves is no error."""


class Forward(_Forwarding):
    """A listener at *path*: a file in a folder of this user, and no port.

    Ports of a machine are open to all who work on it.
    """

    address_family = socket.AF_UNIX

    def __init__(self, path: Path, dial: Dial) -> None:
        self.path, self.dial = path, dial
        super().__init__(str(path), _Carry)  # type: ignore[arg-type]  # a path is one


class PortForward(_Forwarding):
    """A listener at *port* of 127.0.0.1, 0 for a free one; what answers has a secret of its own.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(self, port: int, dial: Dial) -> None:
        self.dial = dial
        super().__init__(("127.0.0.1", port), _Carry)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])


class _Carry(StreamRequestHandler):
    server: _Forwarding

    def handle(self) -> None:
        """Carry bytes both ways until both sides have ended."""
        try:
            there = self.server.dial()
        except HostError as error:
            self.server.error = error
            return
        self.server.error = None
        here: socket.socket = self.connection
        back = threading.Thread(target=_carry, args=(there, here), daemon=True)
        with contextlib.closing(there):
            back.start()
            _carry(here, there)
            back.join()


def _carry(one: Connection, other: Connection) -> None:
    with contextlib.suppress(OSError, EOFError):
        while data := one.recv(PIECE):
            other.sendall(data)
    with contextlib.suppress(OSError, EOFError):
        other.shutdown(socket.SHUT_WR)
