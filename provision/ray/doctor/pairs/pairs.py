"""The test of pairs: listeners on all hosts, connections between them, the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from provision.model.change import State
from provision.model.step import Step
from provision.ray.doctor.finding import Finding, PairCount, warning
from provision.ray.doctor.look.facts import Facts
from provision.ray.doctor.pairs.choice import Pair, all_pairs, chosen_pairs
from provision.ray.doctor.pairs.steps import ConnectTo, Listen, StopListening
from provision.ray.doctor.wanted import Wanted
from provision.ray.steps.node.diagnosis.firewalls import command_to_open
from provision.ray.steps.node.ports import ranges

RunSteps = Callable[[Mapping[str, Step]], Mapping[str, State | None]]
"""Runs one step on each host; returns what each observed, None where it could not."""
LOCAL = ("127.", "[::1]", "::1")


@dataclass(frozen=True, slots=True)
class PairsResult:
    """The pairs that were tested, and what was found."""

    count: PairCount
    findings: tuple[Finding, ...]


def pair_test(
    looks: Sequence[Facts], wanted: Mapping[str, Wanted], run: RunSteps
) -> PairsResult:
    """Connect hosts to each other on Ray's ports.

    Args:
        looks: the hosts that answered.
        wanted: what a deploy needs on each.
        run: runs one step on each host, all at once.
    """
    hosts = [facts.host for facts in looks if wanted[facts.host].node_ports]
    heads = [name for name in hosts if wanted[name].head]
    pairs = chosen_pairs(hosts, heads)
    if not pairs:
        return PairsResult(PairCount(), ())
    facts_of = {facts.host: facts for facts in looks}
    listening: Mapping[str, State | None] = {}
    try:
        listening = run(_listeners(hosts, facts_of, wanted))
        ports = {h: _ports(facts_of[h], wanted[h], listening.get(h)) for h in hosts}
        replies = run(_connections(pairs, ports, wanted))
    finally:
        pids = {h: (s or {}).get("pid", "") for h, s in listening.items()}
        ends = {h: StopListening(pids=(pid,)) for h, pid in pids.items() if pid}
        if ends:
            run(ends)
    tested = [
        pair for pair in pairs if ports[pair[1]] and replies.get(pair[0]) is not None
    ]
    total = len(all_pairs(hosts))
    count = PairCount(total, len(tested), sampled=len(pairs) < total)
    found = (*_silent(hosts, ports), *_blocked(tested, replies, wanted))
    return PairsResult(count, found)


def _listeners(
    hosts: Sequence[str], facts: Mapping[str, Facts], wanted: Mapping[str, Wanted]
) -> dict[str, Step]:
    """A listener on each host, but where a node runs: it would take a port of a worker."""
    return {
        name: Listen(ports=wanted[name].node_ports)
        for name in hosts
        if not facts[name].node_runs
    }


def _ports(facts: Facts, wanted: Wanted, listening: State | None) -> list[int]:
    """The ports of a host at which something is there to be reached."""
    ours = {key.removeprefix("port.") for key in listening or {}}
    there = {one.port for one in facts.listeners() if not one.address.startswith(LOCAL)}
    return [p for p in wanted.node_ports if str(p) in ours or p in there]


def _connections(
    pairs: Sequence[Pair],
    ports: Mapping[str, Sequence[int]],
    wanted: Mapping[str, Wanted],
) -> dict[str, Step]:
    places: dict[str, list[tuple[str, int]]] = {}
    for one, other in pairs:
        address = wanted[other].host.address
        places.setdefault(one, []).extend((address, port) for port in ports[other])
    return {h: ConnectTo(places=tuple(found)) for h, found in places.items() if found}


def _silent(
    hosts: Sequence[str], ports: Mapping[str, Sequence[int]]
) -> Iterator[Finding]:
    for name in hosts:
        if not ports[name]:
            yield warning(
                "pairs-untested",
                name,
                "neither perl nor python3 is there, to listen for the other hosts",
                "a listener, to see whether the others reach it",
                f"install perl on {name}, or see that no firewall closes Ray's ports",
            )


def _blocked(
    tested: Sequence[Pair],
    replies: Mapping[str, State | None],
    wanted: Mapping[str, Wanted],
) -> Iterator[Finding]:
    """Yield one finding for each host that others do not reach."""
    lost: dict[str, dict[str, tuple[set[int], str]]] = {}
    for one, other in tested:
        address = wanted[other].host.address
        for key, outcome in (replies[one] or {}).items():
            if key.startswith(f"to.{address} "):
                ports, _ = lost.setdefault(other, {}).setdefault(one, (set(), outcome))
                ports.add(int(key.rpartition(" ")[2]))
    for other, froms in lost.items():
        firewall = (replies.get(other) or {}).get("firewall", "")
        yield _blocked_host(other, froms, firewall, wanted)


def _blocked_host(
    host: str,
    froms: Mapping[str, tuple[set[int], str]],
    firewall: str,
    wanted: Mapping[str, Wanted],
) -> Finding:
    ports = {port for found, _ in froms.values() for port in found}
    shown = ", ".join(ranges(ports)).replace(":", "-")
    outcomes = ", ".join(dict.fromkeys(outcome for _, outcome in froms.values()))
    names = list(froms)
    others = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
    remedy = (
        f"open TCP {shown} of {host} to the other hosts, in its firewall or on the way"
    )
    name, _, chain = firewall.partition(" ")
    if name:
        source = wanted[names[0]].host.address
        command = command_to_open(name, chain, source, list(ranges(ports)))
        remedy = f"{name} is active on {host}: `{command}`, for each of the other hosts"
    return Finding(
        "port-blocked",
        host,
        f"{others} cannot connect to port {shown}: {outcomes}",
        "Ray's ports open between all hosts, both ways",
        remedy,
    )
