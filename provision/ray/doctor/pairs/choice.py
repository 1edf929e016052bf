"""The pairs of hosts to test: all of a small cluster, a sample of a large one."""

from __future__ import annotations

from collections.abc import Sequence

ALL_UP_TO = 20
"""Most hosts of which all pairs are tested."""
NEIGHBOURS = 2
"""Other hosts that each connects to in a sample, beside the heads."""

Pair = tuple[str, str]
"""The host that connects, and the one that is connected to."""


def all_pairs(hosts: Sequence[str]) -> list[Pair]:
    """Return each pair of *hosts*, both ways."""
    return [(one, other) for one in hosts for other in hosts if one != other]


def sampled_pairs(hosts: Sequence[str], heads: Sequence[str]) -> list[Pair]:
    """Return pairs of which each host is in several, both ways.

    Each host with each of *heads*, which all of them must reach; and with the next ones
    in the order of the inventory, of which the last is followed by the first.
    """
    found: dict[Pair, None] = {}
    for number, one in enumerate(hosts):
        next_ones = [
            hosts[(number + step) % len(hosts)] for step in range(1, NEIGHBOURS + 1)
        ]
        for other in (*heads, *next_ones):
            if one != other:
                found |= {(one, other): None, (other, one): None}
    return list(found)


def chosen_pairs(hosts: Sequence[str], heads: Sequence[str]) -> list[Pair]:
    """Return the pairs to test."""
    if len(hosts) <= ALL_UP_TO:
        return all_pairs(hosts)
    return sampled_pairs(hosts, heads)
