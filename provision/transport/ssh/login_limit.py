"""Limits the logins at one sshd at a time: it drops connections beyond its own limit.

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
"""Seconds until a waiting login notices that it was cancelled."""


class LoginLimiter:
    """Limits the logins at one endpoint at a time."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._lock = threading.Lock()
        self._slots: defaultdict[str, threading.BoundedSemaphore] = defaultdict(
            lambda: threading.BoundedSemaphore(at_once)
        )

    @contextlib.contextmanager
    def slot(self, endpoint: str, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Wait for a free slot at *endpoint*, and occupy it while the context lasts.

        Raises:
            ConnectError: *cancelled()* became true while it waited.
        """
        with self._lock:
            slot = self._slots[endpoint]
        while not slot.acquire(timeout=POLL_INTERVAL_S):
            if cancelled():
                raise ConnectError(f"connecting to {endpoint} was interrupted")
        try:
            yield
        finally:
            slot.release()
