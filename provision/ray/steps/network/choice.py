"""The interface of a host that its cluster uses, chosen from those that it has."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator

from provision.errors import RefusedError
from provision.model.fields import Line
from provision.steps.network.address import Address, read_address
from provision.steps.network.host_network import (
    LOOPBACK,
    HostNetwork,
    Interface,
    Place,
)

AUTO = "auto"
NAME = re.compile(r"[^/:\s]{1,15}\Z")
"""A name that Linux allows an interface."""


def _wanted(value: str) -> str:
    if value == AUTO or (NAME.match(value) and value not in {".", ".."}):
        return value
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(
            f"must be auto, the name of an interface, or a network such as 10.0.0.0/24, "
            f"not {value!r}"
        ) from None
    if network.prefixlen == 0:
        raise ValueError(f"{value} is every network: it chooses no interface")
    return str(network)


WantedInterface = Annotated[Line, AfterValidator(_wanted)]
"""An interface by its name or by a network; auto = the one that has the host's address."""


def choose(found: HostNetwork, wanted: str, address: str) -> Place | None:
    """Return the place on the *wanted* interface; None = it cannot be known.

    Args:
        found: the networks of the host.
        wanted: as `WantedInterface`.
        address: of the host in the cluster; a name chooses no interface by itself.

    Raises:
        RefusedError: there is no such interface, or it does not have *address*.
    """
    if found.unknown:
        return None
    if wanted == AUTO:
        return _with_address(found, address)
    places = _in_network(found, wanted) if "/" in wanted else _named(found, wanted)
    return _own(places, address)


def _with_address(found: HostNetwork, address: str) -> Place | None:
    own = read_address(address)
    if own is None:
        return None
    for place in found.places:
        if place.address == own:
            return place
        # Linux answers for all of 127.0.0.0/8, and lists one address of it.
        if own.is_loopback and own in place.at.network:
            return replace(place, at=_in_same(place, own))
    raise RefusedError(
        f"no interface of this host has the address {address}; it has {found.in_words()}",
        hint="correct `address` in the inventory, or `ansible_host` where there is none: "
        "one of these, that the other hosts reach",
    )


def _in_same(place: Place, address: Address) -> Interface:
    """Return *address* with the network that *place* is in."""
    return ipaddress.ip_interface(f"{address}/{place.at.network.prefixlen}")


def _named(found: HostNetwork, name: str) -> list[Place]:
    if name not in found.names and not found.of(name):
        raise RefusedError(
            f"this host has no interface {name}; it has {found.in_words()}",
            hint="correct ray_interface, which can differ from host to host, or name a "
            "network, such as ray_interface: 10.0.0.0/24",
        )
    if not found.of(name):
        raise RefusedError(
            f"the interface {name} of this host has no address",
            hint="give it one, or choose another with ray_interface",
        )
    return found.of(name)


def _in_network(found: HostNetwork, wanted: str) -> list[Place]:
    network = ipaddress.ip_network(wanted)
    places = [place for place in found.places if place.address in network]
    names = list(dict.fromkeys(place.interface for place in places))
    if not places:
        raise RefusedError(
            f"no interface of this host has an address in {wanted}; "
            f"it has {found.in_words()}",
            hint="correct ray_interface, which can differ from host to host",
        )
    if len(names) > 1:
        raise RefusedError(
            f"{len(names)} interfaces of this host have an address in {wanted}: "
            + ", ".join(map(str, places)),
            hint=f"name one: ray_interface: {names[0]}",
        )
    return places


def _own(places: list[Place], address: str) -> Place | None:
    """Return the one of *places* that has *address*."""
    own = read_address(address)
    for place in places:
        if own in (None, place.address):
            return place
    first = next((p for p in places if own and p.at.version == own.version), places[0])
    raise RefusedError(
        f"ray_interface chooses {first}, and the address of this host in the cluster is "
        f"{address}: the other hosts would not find its Ray",
        hint=f"write in the inventory, for this host: `address: {first.address}`",
    )


def warnings(found: HostNetwork, chosen: Place) -> Iterator[str]:
    """Yield what makes a host with the *chosen* interface slow or unreachable."""
    for other in found.places:
        if other.state != "down" and _competes(other, chosen):
            yield (
                f"{chosen} and {other} are in one subnet: answers leave by either, and NCCL "
                "then hangs or is slow; give one of them a subnet of its own, or take "
                f"{other.interface} down"
            )
    if chosen.state == "down":
        yield f"the interface {chosen} is down: no other host reaches it"


def _competes(other: Place, chosen: Place) -> bool:
    """Return whether packets to the subnet of *chosen* may leave by *other*."""
    if other.interface in {chosen.interface, LOOPBACK}:
        return False
    own, its = chosen.at.network, other.at.network
    alone = its.prefixlen == its.max_prefixlen  # an address with no network around it
    return own.version == its.version and not alone and own.overlaps(its)
