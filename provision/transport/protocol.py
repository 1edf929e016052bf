"""How a script gets to a host: the protocol, and the transport to this machine."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from provision.model.framing import Frames
from provision.transport.heartbeat import HeldScript

if TYPE_CHECKING:
    pass


class Transport(Protocol):
    """One connection to one host; scripts may run at once from several threads."""

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
        """LiveDisplay *script* to `sh -s` on the host and its output to the frames.

        The script must not read its standard input, which ends with the connection:
        then its process group is killed.

        Args:
            script: the whole script, sent on standard input.
            become: run as root, through sudo where the user is another.
            limit_s: seconds after which the host kills the script; 0 = never.
            stdout: takes the standard output as it comes.
            stderr: takes the standard error as it comes.

        Returns:
            The exit code; 124 or 137 when the limit was met.

        Raises:
            ConnectionLost: the connection went away; what ran is unknown.
            PrivilegeError: sudo refused.
            ConnectError: the login shell does not run scripts.
        """

    def hold(
        self, script: bytes, *, become: bool
    ) -> contextlib.AbstractContextManager[HeldScript]:
        """Start *script*, give its first line of output, and keep it running.

        Its standard input gets a byte every `held.HEARTBEAT_S` seconds. It stays open until
        the context ends, and then, or with the death of this process, ends; the script
        must end by itself when it does, and may when no byte comes for long.

        Raises:
            ApplyError: it ended before it printed a line.
            ConnectionLost: the connection went away.
            PrivilegeError: sudo refused.
        """

    def close(self) -> None:
        """Disconnect; may be called at any time, from any thread."""
