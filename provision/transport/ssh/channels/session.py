"""Channels that carry much data, or a TCP connection."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import cast

import paramiko

from provision.errors import ConnectError
from provision.transport.protocol import Source
from provision.transport.ssh.connection import SshConnection

WIDE_WINDOW = 16 * 2**20
"""Bytes that a host may send ahead of what was read: 2 MiB, the default, are 40 MB/s where
an answer takes 50 ms."""
PACKET_OVERHEAD = 64
"""Bytes that paramiko keeps free in each packet of a channel."""
CONNECT_LIMIT_S = 10.0


def in_packets(source: Source, channel: paramiko.Channel) -> Source:
    """Return *source* in pieces that fill a packet each.

    Of a larger piece paramiko copies the rest for every packet, which halves the speed.
    """
    size = channel.out_max_packet_size - PACKET_OVERHEAD

    def cut(line: str) -> Iterator[bytes]:
        return _pieces(source(line), size)

    return cut


def _pieces(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    rest = b""
    for part in parts:
        rest = rest + part if rest else part
        whole = len(rest) - len(rest) % size
        for start in range(0, whole, size):
            yield rest[start : start + size]
        rest = rest[whole:]
    if rest:
        yield rest


def open_tunnel(connection: SshConnection, host: str, port: int) -> socket.socket:
    """Return a TCP connection that the host at the other end makes.

    Raises:
        ConnectError: nobody answers there, or sshd forbids it.
        ConnectionLost: the connection was lost.
    """
    try:
        channel = connection.transport.open_channel(
            "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=CONNECT_LIMIT_S
        )
    except (paramiko.SSHException, EOFError, OSError) as error:
        if isinstance(error, paramiko.ChannelException) and connection.active:
            raise ConnectError(
                f"{connection.who} cannot connect to {host}:{port} ({error.text})",
                hint="see that something listens there, and that AllowTcpForwarding "
                "of its sshd_config is not `no`",
            ) from error
        raise connection.lost() from error
    # A channel has the methods of a socket that http.client uses.
    return cast("socket.socket", channel)
