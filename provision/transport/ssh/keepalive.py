"""Notices that the other side of a connection is gone, however quietly it went.

TCP alone may wait a quarter of an hour for a host that lost power or a cut link.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

HEARTBEAT_S = 1.0
"""How often the connections are looked at, all of them by one thread."""
ASK_SHARE = 1 / 3
"""After this share of the silence that is too long, a sign of life is asked for."""


class Monitored(Protocol):
    """The other side of a connection."""

    silence_s: float
    """Seconds of silence that are too long."""

    @property
    def last_received_s(self) -> float:
        """When something came from it last, by the monotonic clock."""

    def ask(self) -> None:
        """Make it send something; may block until it does or is dropped."""

    def drop(self) -> None:
        """Close the connection, so that whoever waits for it stops waiting."""


class KeepaliveMonitor:
    """Asks silent peers for a sign of life, and drops those that give none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: dict[Monitored, threading.Thread | None] = {}
        self._running = False

    def watch(self, peer: Monitored) -> None:
        """Look after *peer* until it is forgotten or dropped."""
        with self._lock:
            self._asking[peer] = None
            if not self._running:
                self._running = True
                threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def forget(self, peer: Monitored) -> None:
        """Stop looking after *peer*."""
        with self._lock:
            self._asking.pop(peer, None)

    def _beat(self) -> None:
        while True:
            time.sleep(HEARTBEAT_S)
            with self._lock:
                peers = dict(self._asking)
                if not peers:
                    self._running = False
                    return
            for peer, asking in peers.items():
                self._check(peer, asking)

    def _check(self, peer: Monitored, asking: threading.Thread | None) -> None:
        silent_s = time.monotonic() - peer.last_received_s
        if silent_s > peer.silence_s:
            self.forget(peer)
            peer.drop()
        elif silent_s > peer.silence_s * ASK_SHARE and not _alive(asking):
            thread = threading.Thread(target=peer.ask, name="pulse-ask", daemon=True)
            with self._lock:
                if peer in self._asking:
                    self._asking[peer] = thread
            thread.start()


def _alive(thread: threading.Thread | None) -> bool:
    return thread is not None and thread.is_alive()
