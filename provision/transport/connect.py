"""The transport that a host's inventory names, and a check that it can be made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from provision.config.inventory import Host
from provision.config.ssh import SshRequest, resolve
from provision.errors import InputError, raise_all
from provision.transport.local import LocalTransport
from provision.transport.protocol import InteractiveTransport, Transport
from provision.transport.sudo_password import Passwords

Connect = Callable[[Host], Transport]


def check_ssh_settings(hosts: Iterable[Host]) -> None:
    """Check that ssh_config and the arguments of ssh can be used for *hosts*.

    Raises:
        InputErrors: all that is wrong with them, each once.
    """
    requests = [host.ssh_request for host in hosts if host.connection != "local"]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        problems = [error for error in pool.map(_problem, requests) if error]
    raise_all({str(error): error for error in problems}.values())


def _problem(request: SshRequest) -> InputError | None:
    try:
        resolve(request)
    except InputError as error:
        return error
    return None


def transport(
    host: Host,
    passwords: Passwords | None = None,
    warn: Callable[[str], object] = lambda message: None,
) -> InteractiveTransport:
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
