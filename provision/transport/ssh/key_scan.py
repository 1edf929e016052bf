"""Reads the key of a host without logging in there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from provision.errors import ProvisionError
from provision.transport.ssh.connection import SshConnection
from provision.transport.ssh.login.login import Login
from provision.transport.ssh.peer import PeerTransport

if TYPE_CHECKING:
    from provision.config.inventory import Host

TIMEOUT_S = 10.0


def check_key(host: Host, *, timeout_s: float = TIMEOUT_S) -> None:
    """Check that *host* shows its known key, without logging in.

    Jump hosts before it are logged in to, once their own keys are known.

    Args:
        host: where to connect.
        timeout_s: longest time connecting and greeting may take each.

    Raises:
        UnknownHostKeyError: its key, or that of a jump host, is not known.
        HostKeyError: it differs from the known one.
        ConnectError: the host cannot be reached.
    """
    connection = SshConnection(
        host, timeout_s=timeout_s, silence_s=timeout_s, login=_NoAuth
    )
    with contextlib.suppress(_HostKeyAccepted):
        connection.open()


class _HostKeyAccepted(ProvisionError):
    """Raised to end the connection once the key was found to be the known one."""


class _NoAuth(Login):
    """Ends where a login would begin, which is after the host key was checked."""

    def authenticate(self, transport: PeerTransport) -> None:
        raise _HostKeyAccepted("accepted")
