"""The networks of a host, as `find_network.sh` prints them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from provision.model.change import State
from provision.steps.network.address import Address

NETWORK_FIELDS = "network."
"""Prefix of the fields that `find_network.sh` prints."""
LOOPBACK = "lo"
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@dataclass(frozen=True, slots=True)
class Place:
    """An address of an interface.

    Attributes:
        interface: its name.
        at: the address, with the network that it is in.
        mtu: the largest packet in bytes; None = unknown.
        state: as Linux has it: up, down, or unknown, which lo and tunnels are.
    """

    interface: str
    at: Interface
    mtu: int | None = None
    state: str = "unknown"

    @property
    def address(self) -> Address:
        return self.at.ip

    def __str__(self) -> str:
        return f"{self.interface} {self.at}"


@dataclass(frozen=True, slots=True)
class HostNetwork:
    """The networks of a host.

    Attributes:
        places: its addresses.
        names: its interfaces, also those with no address.
        rdma: RDMA devices that programs can open.
        rdma_of: those of an interface, by its name.
        unknown: why its addresses are not known; "" = they are.
    """

    places: tuple[Place, ...] = ()
    names: tuple[str, ...] = ()
    rdma: tuple[str, ...] = ()
    rdma_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: str = ""

    def of(self, interface: str) -> list[Place]:
        """Return the addresses of *interface*."""
        return [place for place in self.places if place.interface == interface]

    def in_words(self) -> str:
        """Return its interfaces with their addresses, for a message."""
        shown = [str(place) for place in self.places if place.interface != LOOPBACK]
        bare = [name for name in self.names if not self.of(name)]
        return ", ".join([*shown, *(f"{name} without an address" for name in bare)])


def read_network(state: State) -> HostNetwork:
    """Return what the fields of *state* say of networks.

    Without any of them everything is unknown.
    """
    get = state.get
    known = any(key.startswith(NETWORK_FIELDS) for key in state)
    return HostNetwork(
        places=tuple(_places(state)),
        names=tuple(get("network.names", "").split()),
        rdma=tuple(get("network.rdma", "").split()),
        rdma_of={name: tuple(v.split()) for name, v in _below(state, "rdma_of.")},
        unknown=get("network.unknown", "") or ("" if known else "nobody has looked"),
    )


def _places(state: State) -> Iterator[Place]:
    for key, words in _below(state, "at."):
        interface, _, at = key.partition(" ")
        mtu, _, link = words.partition(" ")
        size = int(mtu) if mtu.isdigit() else None
        yield Place(interface, ipaddress.ip_interface(at), size, link or "unknown")


def _below(state: State, what: str) -> Iterator[tuple[str, str]]:
    start = NETWORK_FIELDS + what
    for key, value in state.items():
        if key.startswith(start):
            yield key.removeprefix(start), value
