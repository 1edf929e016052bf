"""Web servers on loopback, and what answers there but is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = "/ready?full=1&x=%20"
"""The page that `Pages` has."""


class Handler(BaseHTTPRequestHandler):
    """Answers requests, as its subclass says in `get`, without a line in a log."""

    def do_GET(self) -> None:
        self.get()

    def get(self) -> None:
        raise NotImplementedError

    def answer(self, code: int, body: bytes = b"") -> None:
        self.send_response_only(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class Pages(Handler):
    """Has one page; any body is the host and the token of the request."""

    def get(self) -> None:
        token = self.headers.get("Authorization", "no token")
        body = f"{self.headers['Host']}\r\n\r\n{token}\n"
        self.answer(200 if self.path == PAGE else 503, body.encode())


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """A web server; its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        # It looks this often whether to end.
        serve = partial(server.serve_forever, poll_interval=0.02)
        threading.Thread(target=serve, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def greeting(words: bytes) -> Iterator[int]:
    """A server that answers the first request with *words* and hangs up; its port."""

    def greet() -> None:
        client = server.accept()[0]
        with client:
            client.recv(1000)
            client.sendall(words)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(timeout=10)


@contextmanager
def closed() -> Iterator[int]:
    """A port where nothing answers, and that nobody else can get meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
