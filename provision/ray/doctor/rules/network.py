"""Rules about what one host is reached by, and what it reaches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from provision.ray.doctor.finding import Finding, warning
from provision.ray.doctor.look.facts import Facts, is_address
from provision.ray.doctor.rules.packages import index_places
from provision.ray.doctor.wanted import Source, Wanted, place_of

OPEN = "open"


def address_findings(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    """Yield a finding if the host has not the address by which others reach it."""
    address, names = wanted.host.address, facts.below("name.")
    given = [address] if is_address(address) else names.get(address, "").split()
    known = list(facts.addresses())
    if not known or not given:
        return
    if not any(facts.interface_of(one) for one in given):
        own = ", ".join(
            a for _, a, _ in known if not a.startswith(("127.", "fe80", "::1"))
        )
        yield Finding(
            "address",
            facts.host,
            f"no interface has {' or '.join(given)}; it has {own or 'none'}",
            "an address of the host itself, by which the others reach it",
            f"set `address` of {facts.host} in the inventory to one of them",
        )
    elif all(one.startswith("127.") or one == "::1" for one in given):
        yield Finding(
            "address",
            facts.host,
            f"its address {address} is the host itself for every host",
            "an address by which the others reach it",
            f"set `address` of {facts.host} in the inventory, or mend /etc/hosts there",
        )


def name_findings(facts: Facts) -> Iterator[Finding]:
    """Yield each name that the host does not resolve."""
    for name, addresses in facts.below("name.").items():
        if not addresses:
            yield Finding(
                "name-unresolved",
                facts.host,
                f"{name} has no address here",
                "a name that resolves",
                "mend /etc/resolv.conf or the name server, or add it to /etc/hosts",
            )


def source_findings(
    facts: Facts, wanted: Wanted, due: Collection[str]
) -> Iterator[Finding]:
    """Yield what the host cannot fetch, and needs.

    Args:
        facts: about the host.
        wanted: what a deploy needs there.
        due: kinds of steps that a deploy would make a change with, or of which nothing
            is known: what needs none of them is there already.
    """
    reached = facts.below("reach.")
    proxy = place_of(facts.get("proxy"))
    if proxy and proxy in reached:
        if reached[proxy] != OPEN:
            yield _closed("proxy", facts.host, "the proxy", [proxy], reached)
        return
    for source in wanted.sources:
        if source.needed_by in due and not _any_open(source, reached):
            kind = "registry" if source.needed_by == "docker_image" else "download"
            yield _closed(kind, facts.host, source.what, source.places, reached)


def index_findings(facts: Facts, due: Collection[str]) -> Iterator[Finding]:
    """Yield the sites of the package manager that the host does not reach."""
    if not {"docker_engine", "packages"} & {*due}:
        return
    reached = facts.below("reach.")
    for place in index_places(facts):
        if reached.get(place, OPEN) != OPEN:
            yield _closed("package-index", facts.host, "packages", [place], reached)


def _any_open(source: Source, reached: dict[str, str]) -> bool:
    """True if one of its places is open, or nothing is known of one."""
    return any(reached.get(place, OPEN) == OPEN for place in source.places)


def _closed(
    kind: str, host: str, what: str, places: Iterable[str], reached: dict[str, str]
) -> Finding:
    seen = "; ".join(f"{place}: {reached.get(place, 'unknown')}" for place in places)
    return Finding(
        kind,
        host,
        f"cannot get {what} ({seen})" if kind != "proxy" else f"{what} {seen}",
        "a connection to it from this host",
        REMEDIES[kind],
    )


REMEDIES = {
    "proxy": "start the proxy, or correct http_proxy and https_proxy in /etc/environment",
    "registry": (
        "open the way to it, set a mirror (docker_registry_mirrors) or another image (ray_image)"
    ),
    "download": "open the way to it, or name another place with the variable ..._downloads",
    "package-index": "open the way to it, or correct /etc/apt/sources.list",
}


def port_findings(facts: Facts, wanted: Wanted) -> Iterator[Finding]:
    """Yield each port that a deploy needs and another process has."""
    for listener in facts.listeners():
        if listener.own:
            continue
        what = wanted.ports.get(listener.port)
        if what is None:
            continue
        process = _process(listener.process)
        yield Finding(
            "port-taken",
            facts.host,
            f"port {listener.port} is taken by {process}",
            f"a free port for {what}",
            "stop it, or choose other ports (ray_ports, prometheus_port, grafana_port, "
            "node_exporter_port)",
        )
    if facts.get("ports") == "unknown":
        yield warning(
            "ports-unknown",
            facts.host,
            "the program ss is not there: nobody knows who listens",
            "ss, of the package iproute2",
            "install iproute2",
        )


def _process(text: str) -> str:
    """A process as ss(8) names it, in words."""
    name, _, rest = text.strip('"').partition('",pid=')
    pid = rest.partition(",")[0]
    return f"{name} (process {pid})" if name and pid else "another process"
