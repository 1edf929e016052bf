"""The transport that a host's inventory names."""

from __future__ import annotations

from collections.abc import Callable

from provision.config.inventory import Host
from provision.transport.local import LocalTransport
from provision.transport.protocol import Transport
from provision.transport.sudo_password import Passwords

Connect = Callable[[Host], Transport]


def transport(
    host: Host,
    passwords: Passwords | None = None,
    warn: Callable[[str], object] = lambda message: None,
) -> Transport:
    """Return the transport that the inventory names for *host*.

    Args:
        host: the host to connect to.
        passwords: shared by the hosts of a run, so that a wrong one is tried once.
        warn: called with a warning about a connection.
    """
    password = (passwords or Passwords()).of(host.become_password)
    if host.connection == "local":
        return LocalTransport(password)
    # Paramiko takes longer to import than a local run takes in all.
    from provision.transport.ssh import SshTransport

    return SshTransport(host, password, warn=warn)
