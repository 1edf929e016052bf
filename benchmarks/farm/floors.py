"""The floors: what SSH itself costs, with no product around it.

Run as a program, whole, start of the interpreter and imports included:
`python floors.py WAY FARM.json`. It ends with 0 when every host printed all that it should.
"""

from __future__ import annotations

import base64
import json
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import paramiko

POOL = 50
Way = Callable[[str], list[str]]
"""Function from a host's name to the lines that its script printed."""


class Floor:
    """All that the ways share, parsed once.

    Args:
        given: addresses, port, user, key, host_key, script and facts.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.port: int = given["port"]
        self.user: str = given["user"]
        self.facts: list[str] = given["facts"]
        self.key = paramiko.PKey.from_path(Path(given["key"]))
        self.command = given["script"]
        self.host_key = base64.b64decode(given["host_key"].split()[1])

    def connect(self, name: str) -> list[str]:
        """Connect, see that the host is the right one, log in, and no more."""
        self._transport(name).close()
        return self.facts

    def exec(self, name: str) -> list[str]:
        """One script on a bare Transport."""
        transport = self._transport(name)
        lines = _exec(transport, self.command)
        transport.close()
        return lines

    def true(self, name: str) -> list[str]:
        """Run `true` on a bare Transport."""
        transport = self._transport(name)
        channel = transport.open_session()
        channel.exec_command("true")
        if channel.recv_exit_status() != 0:
            raise SystemExit("`true` failed")
        transport.close()
        return self.facts

    def fabric_transport(self, name: str) -> list[str]:
        """Fabric connects, one script on its transport."""
        with self._fabric(name) as connection:
            connection.open()
            return _exec(connection.transport, self.command)

    def fabric_run(self, name: str) -> list[str]:
        """Fabric as in its README."""
        with self._fabric(name) as connection:
            done = connection.run(self.command, hide=True)
            return _facts(done.stdout)

    def _transport(self, name: str) -> paramiko.Transport:
        sock = socket.create_connection((name, self.port), 60)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(sock)
        transport.banner_timeout = transport.auth_timeout = 60
        transport.start_client(timeout=60)
        if transport.get_remote_server_key().asbytes() != self.host_key:
            raise SystemExit(f"{name} has another key")
        transport.auth_publickey(self.user, self.key)
        return transport

    def _fabric(self, name: str) -> Any:
        import fabric

        # Each its own Config: threads that share one lose hosts.
        return fabric.Connection(
            name,
            user=self.user,
            port=self.port,
            config=fabric.Config(),
            connect_timeout=60,
            connect_kwargs={
                "pkey": self.key,
                "allow_agent": False,
                "look_for_keys": False,
                "banner_timeout": 60,
            },
        )


def _exec(transport: paramiko.Transport, command: str) -> list[str]:
    channel = transport.open_session()
    channel.exec_command(command)
    output = bytearray()
    while data := channel.recv(65536):
        output += data
    if channel.recv_exit_status() != 0:
        raise SystemExit("a script failed")
    return _facts(output.decode())


def _facts(text: str) -> list[str]:
    *lines, end = text.splitlines()
    return sorted(lines) if end == "@end" else []


def main() -> None:
    way, path = sys.argv[1:]
    floor = Floor(json.loads(Path(path).read_text()))
    ask: Way = getattr(floor, way)
    names: list[str] = floor.given["addresses"]
    with ThreadPoolExecutor(POOL) as pool:
        printed = list(pool.map(ask, names))
    wrong = [
        name for name, lines in zip(names, printed, strict=True) if lines != floor.facts
    ]
    if wrong:
        sys.exit(f"{len(wrong)} hosts printed something else, the first {wrong[0]}")


if __name__ == "__main__":
    main()
