"""Rules that compare the hosts of a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from provision.ray.doctor.finding import Finding, warning
from provision.ray.doctor.look.facts import Facts
from provision.ray.doctor.look.survey import AHEAD_LEAST, AHEAD_MOST
from provision.ray.doctor.wanted import Wanted

Value = TypeVar("Value")
CLOCK_S = 10
"""Seconds that clocks may differ."""


def cluster_findings(
    looks: Sequence[Facts], wanted: Mapping[str, Wanted], names: Sequence[str]
) -> Iterator[Finding]:
    """Yield what is wrong between hosts, at the host that has to be changed.

    Args:
        looks: the hosts that answered.
        wanted: what a deploy needs on each.
        names: those by which the hosts reach each other.
    """
    yield from clock_findings(looks)
    yield from _same(
        looks,
        "machine-id",
        lambda facts: facts.get("machine_id"),
        "the same /etc/machine-id as {others}: a cloned disk",
        "rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot",
    )
    yield from _same(
        looks,
        "host-key-shared",
        lambda facts: facts.get("host_key"),
        "the same SSH host key as {others}: a cloned disk",
        "rm /etc/ssh/ssh_host_*; ssh-keygen -A; restart sshd; then `trust` again",
    )
    yield from _same(
        looks,
        "hostname-shared",
        lambda facts: facts.get("hostname"),
        "the same hostname as {others}",
        "hostnamectl set-hostname NAME",
    )
    yield from _mtu(looks, wanted)
    yield from _names(looks, names)
    yield from _architectures(looks)


def clock_findings(looks: Sequence[Facts]) -> Iterator[Finding]:
    """Yield the clocks that differ from the others, however long their hosts took."""
    bounds = {
        f.host: (int(f.get(AHEAD_LEAST)), int(f.get(AHEAD_MOST)))
        for f in looks
        if f.get(AHEAD_LEAST)
    }
    if len(bounds) < 2:
        return
    usual = _usual([*bounds.values()])
    for host, (least, most) in bounds.items():
        apart = _outside(usual, least, most)
        if apart > CLOCK_S:
            word = "ahead of" if least > usual else "behind"
            yield Finding(
                "clock",
                host,
                f"the clock is {apart} s or more {word} those of the other hosts",
                f"clocks that differ by less than {CLOCK_S} s",
                "timedatectl set-ntp true, or install chrony",
            )


def _usual(bounds: Sequence[tuple[int, int]]) -> int:
    """The value nearest to all bounds; of several the one nearest to this machine's."""
    values = {0, *(value for pair in bounds for value in pair)}
    return min(
        values, key=lambda one: (sum(_outside(one, *b) for b in bounds), abs(one))
    )


def _outside(value: int, least: int, most: int) -> int:
    """The distance of *value* from the nearer of two bounds; 0 between them."""
    return max(least - value, value - most, 0)


def _same(
    looks: Sequence[Facts],
    id: str,  # noqa: A002 - as in Finding
    value: Callable[[Facts], str],
    seen: str,
    remedy: str,
) -> Iterator[Finding]:
    """Yield a finding for each host but the first that has the same value."""
    first: dict[str, str] = {}
    for facts in looks:
        found = value(facts)
        if not found:
            continue
        if found in first:
            text = seen.format(others=first[found])
            yield warning(
                id, facts.host, text, "one of its own", f"on {facts.host}: {remedy}"
            )
        else:
            first[found] = facts.host


def _mtu(looks: Sequence[Facts], wanted: Mapping[str, Wanted]) -> Iterator[Finding]:
    found = {}
    for facts in looks:
        interface = facts.interface_of(wanted[facts.host].host.address)
        if interface and interface[1]:
            found[facts.host] = (interface[0], interface[1])
    usual = _most([mtu for _, mtu in found.values()])
    for host, (device, mtu) in found.items():
        if mtu != usual:
            yield warning(
                "mtu",
                host,
                f"{device} has an MTU of {mtu}; the other hosts have {usual}",
                "the same MTU on all hosts: larger packets are lost in silence",
                f"ip link set {device} mtu {usual}, and keep it in the host's network files",
            )


def _names(looks: Sequence[Facts], names: Sequence[str]) -> Iterator[Finding]:
    """Yield names of hosts of the cluster that are other addresses elsewhere."""
    for name in names:
        answers = {
            facts.host: _routable(facts.get(f"name.{name}"))
            for facts in looks
            if facts.get(f"name.{name}")
        }
        usual = _most(list(answers.values()))
        for host, found in answers.items():
            if usual and not {*found.split()} & {*usual.split()}:
                yield Finding(
                    "name-differs",
                    host,
                    f"{name} is {found or 'the host itself'} here, and {usual} elsewhere",
                    "the same address on all hosts",
                    f"correct {name} in /etc/hosts of {host}, or its name server",
                )


def _routable(addresses: str) -> str:
    """The addresses without those of the host itself, which many have in /etc/hosts."""
    return " ".join(a for a in addresses.split() if not a.startswith(("127.", "::1")))


def _architectures(looks: Sequence[Facts]) -> Iterator[Finding]:
    usual = _most([facts.get("arch") for facts in looks if facts.get("arch")])
    for facts in looks:
        if facts.get("arch") not in {"", usual}:
            yield warning(
                "arch-mixed",
                facts.host,
                f"the architecture is {facts.get('arch')}; most hosts have {usual}",
                "one architecture: code and packages of jobs are made for one",
                "use an image that exists for both, and give the host a label",
            )


def _most(values: Sequence[Value]) -> Value | None:
    """The value that is there most often; of several the first."""
    return Counter(values).most_common(1)[0][0] if values else None
