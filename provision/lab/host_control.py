"""What can be done with the hosts of a lab that is up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provision.errors import LabError
from provision.lab import engine, hosts, prerequisites
from provision.lab.engine import Engine
from provision.lab.lifecycle import alone, each
from provision.lab.paths import Layout, Node

RUN_S = 600


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One virtual host, as it is now."""

    name: str
    state: str
    """running, cut (its network is unplugged), stopped or missing."""
    ssh: bool
    """Whether its SSH server answers."""
    address: str
    """In the lab's network, where its peers reach it."""
    port: int
    """On 127.0.0.1, where SSH reaches it."""


def is_up() -> bool:
    """Whether there is a lab, with all of its hosts running."""
    try:
        found = status()
    except LabError:
        return False
    return all(host.state in ("running", "cut") for host in found)


def status() -> list[HostStatus]:
    """How the hosts are, in order."""
    layout, outer = _running()
    states = hosts.existing(outer)
    every = sorted({*states, *layout.planned()}, key=lambda node: node.number)
    return [_status(outer, node, states.get(node, "missing")) for node in every]


def _status(outer: Engine, node: Node, state: str) -> HostStatus:
    if state == "running":
        state = "cut" if hosts.is_cut(outer, node) else state
    elif state != "missing":
        state = "stopped"
    ssh = state == "running" and hosts.ssh_answers(node)
    return HostStatus(node.name, state, ssh, node.address, node.port)


def reset(names: Sequence[str]) -> None:
    """Make the hosts called *names* bare again, all of them if there are none."""
    layout, outer = _running()
    chosen = _chosen(layout, names)

    def one(node: Node) -> None:
        hosts.destroy(outer, node)
        hosts.make(outer, layout, image, node)
        hosts.wait(outer, node)

    with alone(layout, _quiet):
        image = prerequisites.host_image(outer, layout, _quiet)
        each(one, chosen)


def reboot(name: str) -> None:
    """Shut a host down and start it again; returns when its sshd answers."""
    layout, outer = _running()
    (node,) = _chosen(layout, [name])
    hosts.restart(outer, node)
    hosts.wait(outer, node)


def power_off(names: Sequence[str]) -> None:
    """Take the power from hosts, all of them if none is named."""
    layout, outer = _running()
    hosts.power_off(outer, _chosen(layout, names))


def power_on(names: Sequence[str]) -> None:
    """Start hosts in this order; returns when their sshd answers."""
    layout, outer = _running()
    chosen = _chosen(layout, names)
    for node in chosen:
        hosts.power_on(outer, node)
    for node in chosen:
        hosts.wait(outer, node)


def cut(name: str) -> None:
    """Unplug a host's network, until `mend` or a reboot."""
    layout, outer = _running()
    (node,) = _chosen(layout, [name])
    hosts.cut(outer, node)


def mend(name: str) -> None:
    """Plug a host's network in again."""
    layout, outer = _running()
    (node,) = _chosen(layout, [name])
    hosts.mend(outer, node)


def run(name: str, argv: Sequence[str]) -> str:
    """What *argv* prints when root runs it on a host; needs no network there."""
    layout, outer = _running()
    (node,) = _chosen(layout, [name])
    return hosts.run(outer, node, argv, limit_s=RUN_S)


def _running() -> tuple[Layout, Engine]:
    layout = Layout.of()
    outer = engine.find(layout)
    if outer is None or not layout.planned():
        raise LabError("the lab is not up", hint="bring it up: invoke lab.up")
    return layout, outer


def _chosen(layout: Layout, names: Sequence[str]) -> list[Node]:
    there = {node.name: node for node in layout.planned()}
    for name in names:
        if name not in there:
            known = ", ".join(there)
            raise LabError(f"the lab has no host {name!r}", hint=f"it has {known}")
    return [there[name] for name in names or there]


def _quiet(_line: str) -> None:
    pass
