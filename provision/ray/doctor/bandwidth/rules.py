"""Rules about a measurement: what is slower than it was, or than the others are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.ray.doctor.finding import Finding, warning
from provision.ray.doctor.transfer import Bandwidth, Transfer

BASELINE_SHARE = 0.5
"""Share of its baseline that a pair is to have."""
FASTEST_SHARE = 1 / 3
"""Share of the fastest pair's bandwidth that each is to have."""
CABLE = (
    "`ethtool DEVICE` there (Speed, Duplex), cable and port of the switch, and what else "
    "sends just now; then measure again"
)


def bandwidth_findings(found: Bandwidth) -> Iterator[Finding]:
    """Yield what is slow, at the host that has to be looked at."""
    for one in found.transfers:
        if one.gbit_s is None:
            yield warning(
                "bandwidth-unknown",
                one.sender,
                f"{one} was not measured: {one.why}",
                "a transfer between them",
                f"see that {one.sender} reaches {one.address}; findings of ports come first",
            )
    below = [one for one in found.transfers if _below_baseline(one)]
    yield from _grouped(below, found, "bandwidth-below-baseline")
    fastest = max((gbit_s for gbit_s, _ in found.measured()), default=0.0)
    slow = [
        one
        for gbit_s, one in found.measured()
        if gbit_s < FASTEST_SHARE * fastest and one not in below
    ]
    yield from _grouped(slow, found, "bandwidth-low")


def _below_baseline(one: Transfer) -> bool:
    return (
        one.gbit_s is not None
        and one.baseline is not None
        and one.gbit_s < BASELINE_SHARE * one.baseline
    )


def _grouped(
    slow: Sequence[Transfer],
    found: Bandwidth,
    id: str,  # noqa: A002 - as in Finding
) -> Iterator[Finding]:
    """Yield one finding for each host all of whose transfers are slow, and for other pairs."""
    left = list(slow)
    for host in dict.fromkeys(
        name for one in slow for name in (one.sender, one.receiver)
    ):
        own = [one for _, one in found.measured() if host in (one.sender, one.receiver)]
        others = {one.sender for one in own} | {one.receiver for one in own}
        if len(others) > 2 and all(one in left for one in own):
            yield _finding(id, host, own, found)
            left = [one for one in left if one not in own]
    for one in left:
        yield _finding(id, one.sender, [one], found)


def _finding(
    id: str,  # noqa: A002 - as in Finding
    host: str,
    slow: Sequence[Transfer],
    found: Bandwidth,
) -> Finding:
    worst = min(slow, key=lambda one: one.gbit_s or 0.0)
    seen = f"{worst} has {shown(worst.gbit_s)}"
    if len(slow) > 1:
        seen = (
            f"all {len(slow)} transfers with other hosts are slow, the slowest: {seen}"
        )
    if id == "bandwidth-below-baseline":
        seen += f"; it had {shown(worst.baseline)}"
        wanted = f"at least {shown(BASELINE_SHARE * (worst.baseline or 0.0))}"
        remedy = f"{CABLE}. If it is to be so, remove {found.baseline}"
    else:
        fastest, other = max(found.measured(), key=lambda pair: pair[0])
        seen += f"; {other} has {shown(fastest)}"
        wanted = f"at least {shown(FASTEST_SHARE * fastest)}, a third of the fastest"
        remedy = CABLE
    return warning(id, host, seen, wanted, f"on {host}: {remedy}")


def shown(gbit_s: float | None) -> str:
    """Return a bandwidth for people."""
    return "unknown" if gbit_s is None else f"{gbit_s:.3g} Gbit/s"
