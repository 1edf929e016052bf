"""A client of ssh-agent, over the socket that ssh would use.

Protocol: draft-ietf-sshm-ssh-agent. Paramiko's knows the socket of the environment only,
and waits for an agent without a limit.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import paramiko

LIST, LIST_REPLY = 11, 12
SIGN, SIGN_REPLY = 13, 14
FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}
"""Flags that choose the signature of an RSA key."""
ANSWER_S = 5.0
"""Seconds an agent may take to list its keys."""
SIGN_S = 60.0
"""Seconds an agent may take to sign: a person may have to confirm, or touch a key."""
MOST_BYTES = 1024 * 1024


class AgentError(Exception):
    """The agent does not answer, or refuses."""


@dataclass(frozen=True, slots=True)
class AgentKey:
    """A key or certificate that an agent has."""

    blob: bytes
    comment: str


class Agent:
    """A connection to the agent at *path*."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_S)
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def keys(self) -> list[AgentKey]:
        """Return its keys, in its order.

        Raises:
            AgentError: it refuses, or does not answer.
        """
        reply = self._ask(bytes([LIST]), LIST_REPLY, ANSWER_S)
        count = reply.get_int()
        return [AgentKey(reply.get_string(), reply.get_text()) for _ in range(count)]

    def sign(self, blob: bytes, data: bytes, algorithm: str) -> bytes:
        """Return the signature of *data* by the key *blob*.

        Raises:
            AgentError: it refuses, or does not answer.
        """
        request = paramiko.Message()
        request.add_byte(bytes([SIGN]))
        request.add_string(blob)
        request.add_string(data)
        request.add_int(FLAGS.get(algorithm, 0))
        return self._ask(request.asbytes(), SIGN_REPLY, SIGN_S).get_string()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _ask(self, request: bytes, wanted: int, limit_s: float) -> paramiko.Message:
        self._socket.settimeout(limit_s)
        try:
            self._socket.sendall(len(request).to_bytes(4, "big") + request)
            size = int.from_bytes(self._receive(4), "big")
            reply = self._receive(size) if 0 < size <= MOST_BYTES else b""
        except OSError as error:
            raise AgentError(f"the agent does not answer ({error})") from error
        if reply[:1] != bytes([wanted]):
            raise AgentError("the agent refused")
        return paramiko.Message(reply[1:])

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise AgentError("the agent closed the connection")
            data += part
        return data


@contextlib.contextmanager
def connected(path: str) -> Iterator[Agent | None]:
    """Connect to the agent at *path*; give None if there is none."""
    try:
        agent = Agent(path) if path else None
    except OSError:
        agent = None
    try:
        yield agent
    finally:
        if agent:
            agent.close()
