"""Detects a lost connection, even if the other side closed nothing.

TCP alone may wait a quarter of an hour for a host that lost power or a cut link.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

CHECK_INTERVAL_S = 1.0
"""Seconds between checks of all connections, which one thread does."""
REQUEST_SHARE = 1 / 3
"""Share of the longest allowed silence after which an answer is requested."""


class Monitored(Protocol):
    """The other side of a connection."""

    silence_s: float
    """Seconds of silence that are too long."""

    @property
    def last_received_s(self) -> float:
        """Time of the last byte from it, by the monotonic clock."""

    def request_reply(self) -> None:
        """Request an answer; may block until it comes or the connection is dropped."""

    def drop(self) -> None:
        """Close the connection, and end all waiting for it."""


class KeepaliveMonitor:
    """Requests an answer from silent peers, and drops those that give none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[Monitored, threading.Thread | None] = {}
        self._running = False

    def watch(self, peer: Monitored) -> None:
        """Check *peer* until it is forgotten or dropped."""
        with self._lock:
            self._requests[peer] = None
            if not self._running:
                self._running = True
                threading.Thread(
                    target=self._run, name="keepalive", daemon=True
                ).start()

    def forget(self, peer: Monitored) -> None:
        """Stop checking *peer*."""
        with self._lock:
            self._requests.pop(peer, None)

    def _run(self) -> None:
        while True:
            time.sleep(CHECK_INTERVAL_S)
            with self._lock:
                peers = dict(self._requests)
                if not peers:
                    self._running = False
                    return
            for peer, request in peers.items():
                self._check(peer, request)

    def _check(self, peer: Monitored, request: threading.Thread | None) -> None:
        silent_s = time.monotonic() - peer.last_received_s
        if silent_s > peer.silence_s:
            self.forget(peer)
            peer.drop()
        elif silent_s > peer.silence_s * REQUEST_SHARE and not _alive(request):
            thread = threading.Thread(
                target=peer.request_reply, name="keepalive-request", daemon=True
            )
            with self._lock:
                if peer in self._requests:
                    self._requests[peer] = thread
            thread.start()


def _alive(thread: threading.Thread | None) -> bool:
    return thread is not None and thread.is_alive()
