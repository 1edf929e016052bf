"""A script that is kept running: what it said first, and the beats that keep it so.

A link that was cut, or a controller that lost power, closes nothing: the host hears no
more, and that is all. So a held script is sent a byte every few seconds, and may end
when none has come for long.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

HEARTBEAT_S = 5.0
HEARTBEAT = b"."


@dataclass(frozen=True, slots=True)
class HeldScript:
    """A script that is kept running.

    Attributes:
        line: its first line of output.
        alive: whether it still runs, as far as is known.
    """

    line: str
    alive: Callable[[], bool]


@contextlib.contextmanager
def heartbeat(send: Callable[[bytes], object]) -> Iterator[None]:
    """Send a beat now and then, from a thread, until the context ends."""
    over = threading.Event()

    def beat() -> None:
        # Whoever asks whether the script is alive learns of its end.
        with contextlib.suppress(OSError, EOFError, ValueError):
            while not over.wait(HEARTBEAT_S):
                send(HEARTBEAT)

    threading.Thread(target=beat, name="beat", daemon=True).start()
    try:
        yield
    finally:
        over.set()
