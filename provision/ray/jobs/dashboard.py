"""Requests to Ray's dashboard through the SSH connection to the head, with the token."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any

from provision.config.inventory import Host
from provision.errors import (
    ConnectError,
    ConnectionLost,
    HostError,
    OptionError,
    RefusedError,
)
from provision.invocation import program
from provision.model.framing import PRELUDE, Task, run_tasks
from provision.model.script import Script, Sink
from provision.model.shell import Sh
from provision.ray.steps.nodes import RayNodes
from provision.ray.stopped.stopped import check_not_stopped
from provision.transport.connect import transport
from provision.transport.protocol import InteractiveTransport
from provision.transport.retry import connect_with_retry

READ_FILE = 'if [ -e "$path" ]; then cat -- "$path"; fi'
LIMIT_S = 60.0
NOT_FOUND, FIRST_ERROR = 404, 400
TOKEN_REFUSED = (401, 403)
UNAVAILABLE = 501
DETAILS = 8
"""Lines of an error of Ray's that are shown beside its last."""


class UnavailableError(HostError):
    """A part of Ray that is not installed was asked for."""


class Head:
    """The head, over one connection: Ray's dashboard, and what is on the host.

    The dashboard is reached from there, and need not be open to this machine.
    """

    def __init__(self, head: Host, nodes: RayNodes, link: InteractiveTransport) -> None:
        self._head, self._nodes, self._link = head, nodes, link
        self.name, self.data_dir = head.name, nodes.data_dir
        path = f"{nodes.data_dir}/auth_token"
        task = Task(Sh.of(READ_FILE, path=path))
        [reply] = run_tasks(link.run, [task], become=head.become, limit_s=LIMIT_S)
        token = reply.stdout.strip()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the answer to a request, read as JSON; a *body* of bytes goes as it is.

        Raises:
            ConnectError: nothing answers there; StoppedError: since a person has stopped it.
            OptionError: there is no such thing.
            RefusedError: Ray refuses the token.
            UnavailableError: this Ray has no such part.
            HostError: Ray refuses the request.
        """
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        code, answer = self._exchange(method, path, data)
        if code == NOT_FOUND:
            raise OptionError(
                f"Ray has no {path.removeprefix('/api/')}: {_end(answer)}"
            )
        if code in TOKEN_REFUSED:
            raise RefusedError(
                f"{self._head.name}: Ray refuses the token",
                hint=f"`{program()} deploy` brings the same token to all hosts",
            )
        if code == UNAVAILABLE:
            raise UnavailableError(f"{self._head.name}: {_end(answer)}")
        if code >= FIRST_ERROR:
            raise HostError(
                f"{self._head.name}: Ray refuses it: {_end(answer)}",
                details=_lines(answer)[:-1][-DETAILS:],
            )
        return json.loads(answer) if answer.strip() else None

    def read(self, sh: Sh, take: Sink) -> None:
        """Run *sh*, which changes nothing, as root on the host; *take* gets its output.

        Raises:
            ConnectionLost: the connection was lost.
            HostError: it failed.
        """
        read(self._head, self._link, sh, take)

    def _exchange(
        self, method: str, path: str, data: bytes | None
    ) -> tuple[int, bytes]:
        host, port = self._nodes.dashboard_host, self._nodes.dashboard_port
        try:
            sock = self._link.tunnel(host, port)
        except ConnectError as error:
            check_not_stopped(self._head, self._link, self.data_dir)
            raise ConnectError(
                f"{self._head.name}: Ray's dashboard does not answer",
                hint=f"`{program()} status` shows whether the cluster is deployed and up",
            ) from error
        connection = http.client.HTTPConnection(host, port)
        connection.sock = sock
        with contextlib.closing(connection):
            try:
                connection.request(method, path, data, self._headers)
                # `getresponse` would close the channel before all has been read of an
                # answer that ends with its connection.
                answer = http.client.HTTPResponse(sock, method=method)
                answer.begin()
                return answer.status, answer.read()
            except (OSError, EOFError, http.client.HTTPException) as error:
                raise ConnectionLost(
                    f"{self._head.name}: Ray's dashboard broke off its answer"
                ) from error


def read(host: Host, link: InteractiveTransport, sh: Sh, take: Sink) -> None:
    """Run *sh*, which changes nothing, on *host*; *take* gets its output as it comes.

    Raises:
        ConnectionLost: the connection was lost.
        HostError: it failed.
    """
    errors = bytearray()
    text = f"{{\n{PRELUDE}\nset -u\n(\n{sh.render()}\n) </dev/null\nexit\n}}\n"
    code = link.run(Script(text, become=host.become, stdout=take, stderr=errors.extend))
    if code:
        why = errors.decode(errors="replace").strip().splitlines() or ["no reason"]
        raise HostError(f"{host.name}: {why[-1]}", details=why[:-1][-5:])


def _lines(answer: bytes) -> list[str]:
    """Return the lines of an error of Ray's, without pydantic's links to its pages."""
    lines = answer.decode(errors="replace").strip().splitlines()
    return [line for line in lines if "For further information visit" not in line]


def _end(answer: bytes) -> str:
    """Return the last line of an error: Ray sends a traceback."""
    lines = _lines(answer)
    return lines[-1].strip() if lines else "no reason given"


@contextlib.contextmanager
def connected(head: Host, nodes: RayNodes) -> Iterator[Head]:
    """Yield *head*, over a new connection.

    Raises:
        ConnectError: the head cannot be reached.
    """
    link = transport(head)
    connect_with_retry(link, lambda *about: None)
    try:
        yield Head(head, nodes, link)
    finally:
        link.close()
