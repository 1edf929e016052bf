"""The table of ports on the security page, and what a stranger finds open."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from support.lab.commands import ROOT

PAGE = ROOT / "docs/security.md"
TITLE = "| port | on | what | listens on | access |"
PATIENCE_S = 2


@dataclass(frozen=True)
class Row:
    """One row: the ports *first* to *last*."""

    first: int
    last: int
    on: str
    what: str
    listens: str
    who: str

    def is_on(self, host: str) -> bool:
        return self.on == "all" or host == "node1"


def table() -> list[Row]:
    """The rows of the page."""
    _, _, rest = PAGE.read_text().partition(f"{TITLE}\n")
    return list(_rows(rest.splitlines()[1:]))


def _rows(lines: list[str]) -> Iterator[Row]:
    for line in lines:
        if not line.startswith("|"):
            return
        port, *others = (cell.strip() for cell in line.strip("|").split("|"))
        first, _, last = port.partition("-")
        yield Row(int(first), int(last or first), *others)


def open_ports(addresses: list[str]) -> dict[str, set[int]]:
    """All TCP ports of each address that take a connection from this machine."""
    with ThreadPoolExecutor(len(addresses)) as pool:
        return dict(zip(addresses, pool.map(_scan, addresses), strict=True))


def _scan(address: str) -> set[int]:
    return {port for port in range(1, 65536) if _is_open(address, port)}


def _is_open(address: str, port: int) -> bool:
    with socket.socket() as link:
        # A plain blocking connect is the fastest; the kernel keeps the time limit.
        limit = struct.pack("ll", PATIENCE_S, 0)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        return link.connect_ex((address, port)) == 0
