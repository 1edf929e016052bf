"""The shell that runs a script: how it is started, what it proves, why it did not start."""

from provision.transport.remote_shell.conversation import (
    END_WAIT_S,
    KILLED,
    POLL_INTERVAL_S,
    RemoteShell,
    first_line,
)
from provision.transport.remote_shell.start import START_LIMIT_S

__all__ = [
    "END_WAIT_S",
    "KILLED",
    "POLL_INTERVAL_S",
    "START_LIMIT_S",
    "RemoteShell",
    "first_line",
]
