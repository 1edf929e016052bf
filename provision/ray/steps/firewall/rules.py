"""The rules of a chain that lets few into some ports: written, and read back."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator

MOST_PORTS = 15
"""Most port numbers that one rule takes; a range counts twice."""
SHORT = re.compile(r"[A-Za-z0-9_-]{1,18}\Z")
"""A cluster name that fits into a chain name, which has 28 characters at most."""
FAMILIES = {4: "iptables", 6: "ip6tables"}
"""Program by IP version; each keeps its own rules."""


def network(value: str) -> str:
    """Return an address or a network, written as a network.

    Raises:
        ValueError: it is neither, or it is the whole internet.
    """
    try:
        found = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(
            f"must be an address or a network such as 10.0.0.0/24, not {value!r}"
        ) from None
    if found.prefixlen == 0:
        raise ValueError("would let everybody in: set `firewall: false` instead")
    return found.with_prefixlen


Network = Annotated[str, AfterValidator(network)]


def chain(cluster: str) -> str:
    """Return the name of the cluster's chain, which its unit and folder have as well."""
    if SHORT.match(cluster):
        return f"PROVISION-{cluster}"
    return f"PROVISION-{hashlib.sha256(cluster.encode()).hexdigest()[:12]}"


def rules(sources: Sequence[str], ports: Sequence[str]) -> Iterator[str]:
    """Yield the rules of a chain that lets only *sources* into *ports*."""
    yield "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"
    yield "-i lo -j RETURN"
    for source in sources:
        yield f"-s {source} -j RETURN"
    for some in _per_rule(ports):
        joined = ",".join(some)
        yield (
            f"-p tcp -m multiport --dports {joined} -j REJECT --reject-with tcp-reset"
        )


def _per_rule(ports: Sequence[str]) -> Iterator[list[str]]:
    some: list[str] = []
    for one in ports:
        if sum(1 + (":" in other) for other in [*some, one]) > MOST_PORTS:
            yield some
            some = []
        some.append(one)
    yield some


def describe(tables: str, found: Sequence[str]) -> dict[str, str]:
    """Return rules as a state: who is let into which ports, and if no rule is altered.

    Args:
        tables: the program whose rules they are.
        found: rules as `iptables -S` prints them, without the chain.
    """
    if not found:
        return {}
    sources = re.findall(r"^-s (\S+) -j RETURN$", "\n".join(found), re.MULTILINE)
    closed = re.findall(r"--dports (\S+) -j REJECT", "\n".join(found))
    ports = ",".join(closed).split(",") if closed else []
    unaltered = ports and list(found) == list(rules(sources, ports))
    return {
        f"{tables}.from": " ".join(sources) or "nobody",
        f"{tables}.ports": " ".join(ports),
        f"{tables}.rules": "as desired" if unaltered else "altered",
    }
