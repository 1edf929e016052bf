"""The key a host shows, seen without logging in there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from paramiko.auth_strategy import AuthSource

from provision.errors import ProvisionError
from provision.transport.ssh.auth import Login
from provision.transport.ssh.connection import SshConnection

if TYPE_CHECKING:
    from provision.config.inventory import Host

TIMEOUT_S = 10.0


def check_key(host: Host, *, timeout_s: float = TIMEOUT_S) -> None:
    """See that *host* shows the key it is known by; nothing is said to it but hello.

    Jump hosts before it are logged in to, once their own keys are known.

    Args:
        host: where to connect.
        timeout_s: longest time connecting and greeting may take each.

    Raises:
        UnknownHostKeyError: its key, or that of a jump host, is not known.
        HostKeyError: it is not the one that is known.
        ConnectError: there is no way to see it.
    """
    line = SshConnection(host, timeout_s=timeout_s, silence_s=timeout_s, login=_Nobody)
    with contextlib.suppress(_SeenError):
        line.open()


class _SeenError(ProvisionError):
    """The key is the known one; there is nothing more to do."""


class _Nobody(Login):
    """Ends where a login would begin, which is after the key was checked."""

    def __init__(self, target: Any, key_file: object, password: object) -> None:
        super().__init__(target, None, None)

    def get_sources(self) -> Iterator[AuthSource]:
        raise _SeenError("seen")
