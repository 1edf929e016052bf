"""How a script gets to a host: the protocol, and the transport to this machine."""

from __future__ import annotations

import contextlib
from typing import Protocol

from provision.model.script import Script
from provision.transport.heartbeat import HeldScript


class Transport(Protocol):
    """One connection to one host; scripts may run at once from several threads."""

    def open(self) -> None:
        """Connect; does nothing when connected.

        Raises:
            ConnectError: not reachable (HostKeyError, AuthError: never retried).
        """

    def run(self, script: Script) -> int:
        """Run *script* on the host, its output going to its sinks as it comes.

        The script must not read its standard input, which ends with the connection:
        then its process group is killed.

        Returns:
            The exit code; 124 or 137 when the limit was met.

        Raises:
            ConnectionLost: the connection went away; what ran is unknown.
            PrivilegeError: sudo refused.
            ConnectError: the login shell does not run scripts.
        """

    def hold(self, script: Script) -> contextlib.AbstractContextManager[HeldScript]:
        """Start *script*, give its first line of output, and keep it running.

        Its sinks and its `heartbeat` are not used: it always gets heartbeats.

        Its standard input gets a byte every `heartbeat.HEARTBEAT_S` seconds. It stays open until
        the context ends, and then, or with the death of this process, ends; the script
        must end by itself when it does, and may when no byte comes for long.

        Raises:
            ApplyError: it ended before it printed a line.
            ConnectionLost: the connection went away.
            PrivilegeError: sudo refused.
        """

    def close(self) -> None:
        """Disconnect; may be called at any time, from any thread."""
