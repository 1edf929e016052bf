"""Commands for the hosts of a running lab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provision.errors import LabError
from provision.lab import engine, hosts, prerequisites
from provision.lab.engine import Engine
from provision.lab.lifecycle import exclusive, for_each
from provision.lab.paths import LabPaths, VirtualHost

RUN_S = 600


@dataclass(frozen=True, slots=True)
class LabHostStatus:
    """State of one virtual host."""

    name: str
    state: str
    """running, cut (its network is disconnected), stopped or missing."""
    ssh: bool
    """True if its SSH server answers."""
    address: str
    """Address in the lab's network, for the other hosts."""
    port: int
    """Port of its SSH server on 127.0.0.1."""


def is_up() -> bool:
    """Return True if there is a lab and all of its hosts are running."""
    try:
        found = status()
    except LabError:
        return False
    return all(host.state in ("running", "cut") for host in found)


def status() -> list[LabHostStatus]:
    """Return the state of each host, in order."""
    paths, outer = _running()
    states = hosts.existing(outer)
    hosts_to_show = sorted(
        {*states, *paths.expected_hosts()}, key=lambda host: host.number
    )
    return [_status(outer, host, states.get(host, "missing")) for host in hosts_to_show]


def _status(outer: Engine, host: VirtualHost, state: str) -> LabHostStatus:
    if state == "running":
        state = "cut" if hosts.is_cut(outer, host) else state
    elif state != "missing":
        state = "stopped"
    ssh = state == "running" and hosts.ssh_answers(host)
    return LabHostStatus(host.name, state, ssh, host.address, host.port)


def reset(names: Sequence[str]) -> None:
    """Recreate the hosts called *names* as bare hosts; all hosts if *names* is empty."""
    paths, outer = _running()
    chosen = _chosen(paths, names)

    def one(host: VirtualHost) -> None:
        hosts.remove(outer, host)
        hosts.create(outer, paths, image, host)
        hosts.wait_for_ssh(outer, host)

    with exclusive(paths, _quiet):
        image = prerequisites.ensure_host_image(outer, paths, _quiet)
        for_each(one, chosen)


def reboot(name: str) -> None:
    """Shut a host down and start it again; return when its sshd answers."""
    paths, outer = _running()
    (host,) = _chosen(paths, [name])
    hosts.restart(outer, host)
    hosts.wait_for_ssh(outer, host)


def power_off(names: Sequence[str]) -> None:
    """Kill the hosts called *names*; all hosts if *names* is empty."""
    paths, outer = _running()
    hosts.power_off(outer, _chosen(paths, names))


def power_on(names: Sequence[str]) -> None:
    """Start hosts in this order; return when their sshd answers."""
    paths, outer = _running()
    chosen = _chosen(paths, names)
    for host in chosen:
        hosts.power_on(outer, host)
    for host in chosen:
        hosts.wait_for_ssh(outer, host)


def cut(name: str) -> None:
    """Disconnect a host's network, until `mend` or a reboot."""
    paths, outer = _running()
    (host,) = _chosen(paths, [name])
    hosts.cut(outer, host)


def mend(name: str) -> None:
    """Reconnect a host's network."""
    paths, outer = _running()
    (host,) = _chosen(paths, [name])
    hosts.mend(outer, host)


def run(name: str, argv: Sequence[str]) -> str:
    """Run *argv* as root on a host, without its network; return what it prints."""
    paths, outer = _running()
    (host,) = _chosen(paths, [name])
    return hosts.run(outer, host, argv, limit_s=RUN_S)


def _running() -> tuple[LabPaths, Engine]:
    paths = LabPaths.find()
    outer = engine.find(paths)
    if outer is None or not paths.expected_hosts():
        raise LabError("the lab is not running", hint="start it: invoke lab.up")
    return paths, outer


def _chosen(paths: LabPaths, names: Sequence[str]) -> list[VirtualHost]:
    known = {host.name: host for host in paths.expected_hosts()}
    for name in names:
        if name not in known:
            hint = f"its hosts are {', '.join(known)}"
            raise LabError(f"the lab has no host {name!r}", hint=hint)
    return [known[name] for name in names or known]


def _quiet(_line: str) -> None:
    pass
