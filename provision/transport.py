"""How a script gets to a host: the protocol, and the transport to this machine."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Iterator, Sequence
from typing import IO, Protocol

from provision.errors import PrivilegeError
from provision.shell import Frames

KILL_AFTER_S = 5
"""How long a script that met its limit gets to end before it is killed outright."""


class Transport(Protocol):
    """One connection to one host, used by one thread at a time."""

    def open(self) -> None:
        """Connect; does nothing when connected.

        Raises:
            ConnectError: not reachable (HostKeyError, AuthError: never retried).
        """

    def run(
        self,
        script: bytes,
        *,
        become: bool,
        limit_s: float,
        stdout: Frames,
        stderr: Frames,
    ) -> int:
        """Feed *script* to `sh -s` on the host and its output to the frames.

        Args:
            script: the whole script, sent on standard input.
            become: run as root, through sudo where the user is another.
            limit_s: seconds after which the host kills the script.
            stdout: takes the standard output as it comes.
            stderr: takes the standard error as it comes.

        Returns:
            The exit code; 124 or 137 when the limit was met.

        Raises:
            ConnectionLost: the connection went away; what ran is unknown.
            PrivilegeError: sudo refused.
        """

    def hold(
        self, script: bytes, *, become: bool
    ) -> contextlib.AbstractContextManager[str]:
        """Start *script*, give its first line of output, and keep it running.

        Its standard input stays open until the context ends; the death of this
        process ends it too. Used for the cluster lock.
        """

    def close(self) -> None:
        """Disconnect; may be called at any time, from any thread."""


def argv(*, become: bool, limit_s: float, password: bool = False) -> list[str]:
    """The command that reads a script: sudo, time limit on the host, shell."""
    sudo = ["sudo", "-S", "-p", ""] if password else ["sudo", "-n"]
    limit = ["timeout", "-k", str(KILL_AFTER_S), f"{limit_s:g}"] if limit_s else []
    return [*(sudo if become else []), *limit, "sh", "-s"]
