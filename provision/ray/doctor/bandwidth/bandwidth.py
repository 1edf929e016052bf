"""The measurement: receivers on all hosts, transfers in rounds, the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from provision.model.change import State
from provision.ray.doctor.bandwidth.baseline import keep, read_baseline, with_baseline
from provision.ray.doctor.bandwidth.choice import chosen_transfers, rounds
from provision.ray.doctor.bandwidth.steps import Receive, SendTo
from provision.ray.doctor.look.facts import Facts
from provision.ray.doctor.pairs.choice import Pair, all_pairs
from provision.ray.doctor.pairs.pairs import RunSteps
from provision.ray.doctor.pairs.steps import StopListening
from provision.ray.doctor.transfer import Bandwidth, Transfer
from provision.ray.doctor.wanted import Wanted

BEGIN_S, ROUND_S = 60, 15
"""Life of a receiver: these seconds, and these for each round, as a slow one may take them."""


def measure(
    looks: Sequence[Facts], wanted: Mapping[str, Wanted], run: RunSteps, file: Path
) -> Bandwidth:
    """Measure the bandwidth between hosts, compare it with the baseline, and keep that.

    Args:
        looks: the hosts that answered.
        wanted: what a deploy needs on each.
        run: runs one step on each host, all at once.
        file: the baseline.

    Raises:
        OptionError: the baseline cannot be read or written.
    """
    baseline = read_baseline(file)
    hosts = [facts.host for facts in looks if wanted[facts.host].node_ports]
    pairs = chosen_transfers(hosts)
    plan = rounds(pairs)
    limit_s = BEGIN_S + ROUND_S * len(plan)
    receiving: Mapping[str, State | None] = {}
    try:
        receiving = run(
            # The last of the workers' range comes first: where Ray runs it is free.
            {
                name: Receive(ports=wanted[name].node_ports[::-1], limit_s=limit_s)
                for name in (hosts if pairs else ())
            }
        )
        made = {
            (one.sender, one.receiver): one
            for one in chain.from_iterable(
                _transfers(row, receiving, wanted, run) for row in plan
            )
        }
    finally:
        pids = {name: (state or {}).get("pid", "") for name, state in receiving.items()}
        ends = {name: StopListening(pids=(pid,)) for name, pid in pids.items() if pid}
        if ends:
            run(ends)
    transfers = with_baseline((made[pair] for pair in pairs), baseline)
    keep(file, baseline, transfers)
    return Bandwidth(transfers, len(all_pairs(hosts)), str(file))


def _transfers(
    pairs: Sequence[Pair],
    receiving: Mapping[str, State | None],
    wanted: Mapping[str, Wanted],
    run: RunSteps,
) -> Iterator[Transfer]:
    """Make the transfers of one round."""
    ports = {name: (state or {}).get("port", "") for name, state in receiving.items()}
    replies = run(
        {
            one: SendTo(address=wanted[other].host.address, port=int(ports[other]))
            for one, other in pairs
            if ports.get(other)
        }
    )
    for one, other in pairs:
        address = wanted[other].host.address
        if not ports.get(other):
            why = _no_receiver(other, receiving.get(other))
            yield Transfer(one, other, address, why=why)
        else:
            yield transferred(one, other, address, replies.get(one))


def _no_receiver(host: str, state: State | None) -> str:
    if state is None:
        return f"{host} could not be asked to receive"
    if state.get("tool") == "none":
        return f"neither perl nor python3 is there on {host}, to receive"
    return f"all ports of {host} that Ray uses are taken"


def transferred(
    sender: str, receiver: str, address: str, reply: State | None
) -> Transfer:
    """Return the transfer that the *reply* of a sender tells of."""
    found = reply or {}
    numbers = [found.get(name, "") for name in ("bytes", "microseconds")]
    if all(text.isascii() and text.isdigit() and int(text) for text in numbers):
        sent, took = map(int, numbers)
        return Transfer(sender, receiver, address, round(sent * 8 / took / 1000, 3))
    why = found.get("why") or f"{sender} did not tell what came of it"
    return Transfer(sender, receiver, address, why=why)
