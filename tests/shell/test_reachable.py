"""Endpoints for real, in each shell; bash opens the connection."""

from __future__ import annotations

import http.server
import shutil
import socket
import threading
from collections.abc import Iterator

import pytest
from shells import EACH_SHELL, run

from provision.model.change import State
from provision.steps.system.reachable import Reachable

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is missing")
Shell = tuple[str, ...]


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ready?full=1&x=%20" else 503)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def seen(shell: Shell, port: int, path: str = "") -> State:
    step = Reachable(host="127.0.0.1", port=port, path=path)
    return step.observe(run(shell, step.probe()))


@EACH_SHELL
def test_a_port_that_answers_is_open(shell: Shell, port: int) -> None:
    assert seen(shell, port) == {"tcp": "open"}


@EACH_SHELL
def test_the_code_of_a_page_is_seen(shell: Shell, port: int) -> None:
    assert seen(shell, port, "/ready?full=1&x=%20") == {"http": "200"}
    assert seen(shell, port, "/other") == {"http": "503"}


@EACH_SHELL
def test_a_closed_port_is_absent(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed: int = server.getsockname()[1]
    assert seen(shell, closed) == {}
    assert seen(shell, closed, "/") == {}


@EACH_SHELL
def test_what_is_no_web_server_is_told_apart(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=greet, args=(server,), daemon=True).start()
        assert seen(shell, server.getsockname()[1], "/") == {"http": "no answer"}


def greet(server: socket.socket) -> None:
    client = server.accept()[0]
    client.recv(1000)
    client.sendall(b"SSH-2.0-Test\r\n")
    client.close()
