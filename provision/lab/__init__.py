"""Virtual bare-metal hosts on this machine, to try and test things on.

Each host is a container that boots systemd and has sshd and sudo, and nothing else: the
Docker engine inside is installed by whoever is tried. Around them are a network, an apt
repository and a registry with the Ray image, so that hosts need no Internet.

Everything lies below `.lab/`, and in the engine that runs the hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provision.lab import host_control, lifecycle
from provision.lab.host_control import HostStatus, is_up, status
from provision.lab.paths import Node

__all__ = [
    "HostStatus",
    "Node",
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


def up(hosts: int = 3, *, say: Callable[[str], None]) -> list[Node]:
    """Have a lab of *hosts* hosts running; whatever is missing or broken is repaired.

    Hosts that run are left as they are; those above *hosts* are removed. Makes the
    files `inventory.yml`, `known_hosts` and `id_ed25519` below `.lab/`.

    Args:
        hosts: 1 to 50.
        say: gets a line for everything that takes time.

    Raises:
        LabError: the machine cannot run a lab; says what it needs.
    """
    return lifecycle.up(hosts, say)


def down(*, keep_cache: bool = False) -> None:
    """Remove all of the lab from this machine, also one that is half dead.

    A cache that PROVISION_LAB_CACHE names is never removed; with *keep_cache* the one
    below `.lab/` stays too, and the next `up` is fast.
    """
    lifecycle.down(keep_cache=keep_cache)


def reset(hosts: Sequence[str] = ()) -> None:
    """Make *hosts* bare again, all by default; names, addresses and keys stay."""
    host_control.reset(hosts)


def reboot(host: str) -> None:
    """Shut *host* down and start it again; returns when its sshd answers."""
    host_control.reboot(host)


def power_off(hosts: Sequence[str] = ()) -> None:
    """Take the power from *hosts*, all by default, at one instant."""
    host_control.power_off(hosts)


def power_on(hosts: Sequence[str] = ()) -> None:
    """Give *hosts* their power back, in this order; returns when they answer."""
    host_control.power_on(hosts)


def cut(host: str) -> None:
    """Unplug the network of *host*, until `mend` or a reboot."""
    host_control.cut(host)


def mend(host: str) -> None:
    """Plug the network of *host* in again."""
    host_control.mend(host)


def run(host: str, *argv: str) -> str:
    """What *argv* prints when root runs it on *host*; the network is not used.

    Raises:
        LabError: it failed; with what it wrote to standard error.
    """
    return host_control.run(host, argv)
