"""Limits of an sshd that we keep to: logins at a time, and sessions of a connection.

OpenSSH's MaxStartups of 10:30:100 turns away three of ten connections once ten have
not logged in yet. That many come at once through a jump host of a whole rack.
MaxSessions is 10 unless set; hosts that were made safe by a checklist have 1 or 2.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from provision.errors import ConnectError

AT_ONCE = 5
"""Logins at one sshd at a time: half of ten, since it counts one until it has noticed its
end, and other people log in too."""
POLL_INTERVAL_S = 0.2
"""Seconds until a waiting login notices that it was cancelled."""

COUNTED_S = 1.0
"""Seconds for which sshd may count a session that has ended."""


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


class SessionLimiter:
    """Limits the scripts that run at a time over one connection, once sshd refused one.

    Attributes:
        opening: held while a session is opened: paramiko keeps one error for all.
    """

    def __init__(self) -> None:
        self.opening = threading.Lock()
        self._changed = threading.Condition()
        self._running = 0
        self._ended_at = -math.inf
        self._at_once = math.inf

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Wait until one more may run, and count it while the context lasts."""
        with self._changed:
            self._changed.wait_for(lambda: self._running < self._at_once)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def ended(self) -> None:
        """Note that a session that sshd allowed has ended."""
        with self._changed:
            self._ended_at = time.monotonic()

    def refused(self) -> bool:
        """Allow no more at a time than ran beside one that has a slot, and was refused.

        Returns:
            False if none stood in its way: to try again would change nothing. sshd
            counts a session for a moment after it has ended; that is waited for.
        """
        with self._changed:
            others = self._running - 1
            just_ended = time.monotonic() - self._ended_at < COUNTED_S
            if not just_ended:
                self._at_once = min(self._at_once, max(others, 1))
        if just_ended:
            time.sleep(COUNTED_S / 20)
        return just_ended or others > 0
