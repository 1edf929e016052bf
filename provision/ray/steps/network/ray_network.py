"""The check that a host has the network that its Ray node is to use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Word
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step
from provision.ray.steps.network.choice import warnings
from provision.ray.steps.network.node_network import NetworkOptions
from provision.steps.network.address import canonical, read_address
from provision.steps.network.host_network import LOOPBACK, Place, read_network

PROBE = read_shell(__file__, "probe.sh")
ROUTE = "route."
"""Prefix of the fields with the way to another host, where it is not the straight one."""
NO_ROUTE = "none"
REACHED = ("open", "refused")
"""Answers of a port that prove that its host is reached."""
CHOSEN = "chosen"
"""The field with the interface, address and MTU of the node: `eth1 10.0.0.7/24 9000`."""
MOST_NAMES = 5


class Peer(BaseModel):
    """A host of the cluster; made from a host of the inventory."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    name: str
    address: str

    @property
    def label(self) -> str:
        """Return what a message calls it."""
        return f"{self.name} ({self.address})"


class RayNetwork(Step, kind="ray_network"):
    """The host has the network that its Ray node is to use, and ways to the other hosts.

    It changes nothing. It comes first, so that a host with the wrong network is refused
    before anything is changed. Two interfaces in one subnet, ways by another interface, and
    gateways behind which no host answers are warnings.

    Raises:
        RefusedError: no interface has the address; there is no such interface or RDMA
            device; the host knows no way to another one.

    Source: ip-address(8) and ip-route(8), iproute2 5.10.
    """

    title_format = "network of Ray"
    checks_only: ClassVar[bool] = True

    address: Word
    """The host's own address in the cluster."""
    hosts: tuple[Peer, ...] = ()
    """All hosts of the cluster, this one or not."""
    network: NetworkOptions = NetworkOptions()

    def probe(self) -> Sh:
        return Sh.of(PROBE, *self._others(), address=canonical(self.address))

    def _others(self) -> dict[str, Peer]:
        """Return the other hosts by address: those that have one and no name."""
        by_address = {canonical(host.address): host for host in self.hosts}
        return {
            address: host
            for address, host in by_address.items()
            if address != canonical(self.address) and read_address(address)
        }

    def observe(self, reply: Reply) -> State:
        state = dict(super().observe(reply))
        with contextlib.suppress(RefusedError):
            if place := self._choose(state):
                state[CHOSEN] = f"{place} {place.mtu or '?'}"
        return state

    def _choose(self, observed: State) -> Place | None:
        return self.network.choose(read_network(observed), self.address)

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        self._choose(observed)
        ways, others = _ways(observed), self._others()
        lost = [others[at].label for at, way in ways.items() if way == NO_ROUTE]
        if lost:
            raise RefusedError(
                f"this host knows no way to {_some(lost)}: its own address is {self.address}",
                hint="give all hosts addresses of one network (`address`, ray_interface), "
                "or a route between theirs",
            )
        return []

    def remarks(self, observed: State) -> Iterator[str]:
        found = read_network(observed)
        try:
            place = self._choose(observed)
        except RefusedError:
            return
        if found.unknown:
            yield (
                f"the interfaces of this host are unknown ({found.unknown}): its container "
                "keeps the variables of NCCL and Gloo that it has"
            )
        elif place is None:
            yield (
                f"{self.address} is a name and no address, so no interface is chosen for "
                "NCCL and Gloo: write `address` as an address, or set ray_interface"
            )
        else:
            yield from warnings(found, place)
            yield from self._detours(observed, place)

    def _detours(self, observed: State, place: Place) -> Iterator[str]:
        others = self._others()
        aside: dict[str, list[str]] = {}
        silent: dict[str, list[str]] = {}
        for address, way in _ways(observed).items():
            words = way.split(" ", 3)
            if len(words) == 1 and way != NO_ROUTE:
                aside.setdefault(way, []).append(others[address].label)
            elif len(words) == 4 and words[3] not in REACHED:
                silent.setdefault(words[2], []).append(others[address].label)
        for interface, hosts in aside.items():
            yield (
                f"packets to {_some(hosts)} leave by {interface}, and this host's Ray has "
                f"{place}: give all hosts addresses of one network (`address`, ray_interface)"
            )
        for gateway, hosts in silent.items():
            yield (
                f"{_some(hosts)}: not in the subnet of this host, {place}, and nothing "
                f"answers there (port 22) by the gateway {gateway}: give all hosts addresses "
                "of one network (`address`, ray_interface), or see that it forwards"
            )

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING


def _ways(observed: State) -> Mapping[str, str]:
    return {
        key.removeprefix(ROUTE): way
        for key, way in observed.items()
        if key.startswith(ROUTE)
    }


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    shown = ", ".join(names[:MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def has_several_networks(observed: State) -> bool:
    """Return whether a host has addresses on several interfaces, beside loopback."""
    names = {place.interface for place in read_network(observed).places}
    return len(names - {LOOPBACK}) > 1


def network_cell(observed: State, address: str) -> str:
    """Return the interface of a host in a few words, from what `ray_network` observed.

    Its address, too, where that is not *address*.
    """
    if CHOSEN not in observed:
        return "unknown"
    interface, at, _ = observed[CHOSEN].split(" ")
    own = at.partition("/")[0]
    return interface if own == canonical(address) else f"{interface} {own}"


def mtu_differences(observed: Mapping[str, State]) -> str:
    """Return a warning if hosts have different MTUs where their Ray is; "" = they have not.

    Args:
        observed: what `ray_network` observed, by the host's name.
    """
    by_mtu: dict[int, list[str]] = {}
    for host, state in observed.items():
        interface, _, mtu = [*state.get(CHOSEN, "").split(" "), "", ""][:3]
        if mtu.isdigit() and interface != LOOPBACK:
            by_mtu.setdefault(int(mtu), []).append(f"{host} ({interface})")
    if len(by_mtu) < 2:
        return ""
    ranked = sorted(by_mtu.items(), key=lambda pair: -len(pair[1]))
    each = "; ".join(f"{mtu} on {_some(hosts)}" for mtu, hosts in ranked)
    return (
        f"the MTU differs between hosts: {each}: large packets can be lost, and then "
        "connections hang; set the same on all, and on the switches between them"
    )
