"""Virtual bare-metal hosts on this machine, for trials and tests.

Each host is a container that boots systemd and has sshd and sudo, and nothing else: the
Docker engine inside is installed by the deploy under test. A network, an apt repository
and a registry with the Ray image belong to the lab, so that hosts need no Internet.

All files are below `.lab/`, or in the Docker engine that runs the hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provision.lab import host_control, lifecycle
from provision.lab.host_control import LabHostStatus, is_up, status
from provision.lab.paths import VirtualHost

__all__ = [
    "LabHostStatus",
    "VirtualHost",
    "cut",
    "down",
    "is_up",
    "mend",
    "power_off",
    "power_on",
    "reboot",
    "reset",
    "run",
    "status",
    "up",
]


def up(
    hosts: int = 3,
    *,
    progress: Callable[[str], None],
    system: str = "",
    networks: int = 0,
) -> list[VirtualHost]:
    """Bring up a lab of *hosts* hosts; create or repair what is missing or broken.

    Running hosts are left as they are; those numbered above *hosts* are removed. Writes
    `inventory.yml`, `known_hosts` and `id_ed25519` below `.lab/`.

    Args:
        hosts: 1 to 50.
        progress: called with a line of text before everything that takes time.
        system: debian12 or debian13; by default that of the hosts which are there,
            or debian12.
        networks: 1, or 2: a second one with IPv4 and IPv6 (`VirtualHost.second_address`,
            `second_address6`); by default as many as the lab has, or 1. Hosts that run
            join or leave it as they are.

    Raises:
        LabError: the machine cannot run a lab (the message names what is missing), or
            there are hosts of another system.
    """
    return lifecycle.up(hosts, progress, system, networks)


def down(*, keep_cache: bool = False) -> None:
    """Remove the whole lab from this machine, in whatever state it is.

    A cache named by PROVISION_LAB_CACHE is never removed; with *keep_cache* the one
    below `.lab/` is kept too, which makes the next `up` fast.
    """
    lifecycle.down(keep_cache=keep_cache)


def reset(hosts: Sequence[str] = ()) -> None:
    """Recreate *hosts* (default: all) as bare hosts with the same addresses and keys."""
    host_control.reset(hosts)


def reboot(host: str) -> None:
    """Shut *host* down and start it again; return when its sshd answers."""
    host_control.reboot(host)


def power_off(hosts: Sequence[str] = ()) -> None:
    """Kill *hosts* (default: all) at the same moment, as a power failure does."""
    host_control.power_off(hosts)


def power_on(hosts: Sequence[str] = ()) -> None:
    """Start *hosts* (default: all) in this order; return when their sshd answers."""
    host_control.power_on(hosts)


def cut(host: str) -> None:
    """Disconnect the network of *host*, until `mend` or a reboot."""
    host_control.cut(host)


def mend(host: str) -> None:
    """Reconnect the network of *host*."""
    host_control.mend(host)


def run(host: str, *argv: str) -> str:
    """Run *argv* as root on *host*, without its network; return what it prints.

    Raises:
        LabError: it failed; the message has its standard error.
    """
    return host_control.run(host, argv)
