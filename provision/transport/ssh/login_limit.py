"""No more logins at one sshd at a time than it lets in; it drops what is beyond.

OpenSSH's MaxStartups of 10:30:100 turns away three of ten connections once ten have
not logged in yet. That many come at once through a jump host of a whole rack.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator

from provision.errors import ConnectError

AT_ONCE = 5
"""Logins at one sshd at a time: half of ten, since it counts one until it has noticed its
end, and other people log in too."""
POLL_INTERVAL_S = 0.2
"""How soon somebody who waits notices that it is no longer wanted."""


class LoginLimiter:
    """Lets so many through to each place at a time."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._lock = threading.Lock()
        self._places: defaultdict[str, threading.BoundedSemaphore] = defaultdict(
            lambda: threading.BoundedSemaphore(at_once)
        )

    @contextlib.contextmanager
    def through(self, place: str, given_up: Callable[[], bool]) -> Iterator[None]:
        """Wait for room at *place*, and take it while the context lasts.

        Raises:
            ConnectError: *given_up* says so while it waits.
        """
        with self._lock:
            room = self._places[place]
        while not room.acquire(timeout=POLL_INTERVAL_S):
            if given_up():
                raise ConnectError(f"connecting to {place} was interrupted")
        try:
            yield
        finally:
            room.release()
