"""The transfers to make, in rounds in which no host has two: they would share its network."""

from __future__ import annotations

from collections.abc import Sequence

from provision.ray.doctor.pairs.choice import ALL_UP_TO, Pair, all_pairs


def chosen_transfers(hosts: Sequence[str]) -> list[Pair]:
    """Return the pairs to measure: all of them, or above 20 hosts each host and the next.

    So in a sample each host sends to two others and receives from them.
    """
    if len(hosts) <= ALL_UP_TO:
        return all_pairs(hosts)
    ring = zip(hosts, [*hosts[1:], hosts[0]], strict=True)
    return [pair for one, other in ring for pair in ((one, other), (other, one))]


def rounds(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Return *pairs* in rounds: in each a host is in one pair at most."""
    found: list[list[Pair]] = []
    busy: list[set[str]] = []
    for pair in pairs:
        free = (n for n, hosts in enumerate(busy) if hosts.isdisjoint(pair))
        number = next(free, len(busy))
        if number == len(busy):
            found.append([])
            busy.append(set())
        found[number].append(pair)
        busy[number].update(pair)
    return found
