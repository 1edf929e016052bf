"""The end of a script on its host when the controller is no longer there.

A connection that is closed ends the script's standard input. A link that was cut, or a
controller that lost power, closes nothing: so a script that changes something is sent a
byte every few seconds, a heartbeat, and a watchdog on the host ends it when none comes.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from provision.model.script import Script
from provision.model.shell_file import read_shell

HEARTBEAT_S = 5.0
"""Seconds between heartbeats."""
HEARTBEAT = b"."
HEARTBEAT_TIMEOUT_S = 20
"""Seconds without a heartbeat after which the host ends the script."""
ENDED = 143
"""Exit code of a script that the watchdog ended, unless it had to be killed."""

WATCHDOG = read_shell(__file__, "watchdog.sh")


def with_watchdog(script: Script, *, heartbeat: bool = False) -> Script:
    """Return *script*, with code that ends it when its standard input ends.

    Still one compound command: a shell that receives only a part runs nothing.

    Args:
        script: the script to run.
        heartbeat: end it also when no heartbeat has come for `HEARTBEAT_TIMEOUT_S`. Else
            it would go on after a link was cut, beside the next attempt.
    """
    timeout_s = HEARTBEAT_TIMEOUT_S if heartbeat else 0
    watchdog = f"heartbeat_timeout_s={timeout_s}\n{WATCHDOG}"
    return replace(script, text=f"{{\n{watchdog}\n{script.text}\nexit\n}}\n")


@contextlib.contextmanager
def heartbeats(send: Callable[[bytes], object]) -> Iterator[None]:
    """Send a heartbeat every `HEARTBEAT_S` seconds, from a thread, until the context ends."""
    ended = threading.Event()

    def run() -> None:
        # The end of the script is noticed elsewhere: by the reader of its output.
        with contextlib.suppress(OSError, EOFError, ValueError):
            while not ended.wait(HEARTBEAT_S):
                send(HEARTBEAT)

    threading.Thread(target=run, name="heartbeats", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
