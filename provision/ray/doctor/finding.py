"""A finding of doctor, and all of them as a contract: JSON and an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provision.ray.doctor.transfer import Bandwidth

FAILURE, WARNING = "failure", "warning"
FOUND, WARNED = 2, 3
"""Exit codes: something would fail; there are warnings, which were asked to count."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something on a host that a deploy would meet.

    Attributes:
        id: the kind of finding, the same in every version.
        host: the host it is about.
        seen: what was seen there.
        wanted: what is needed instead.
        remedy: what to do.
        level: `failure`: a deploy would fail; `warning`: it might, or Ray later.
    """

    id: str
    host: str
    seen: str
    wanted: str
    remedy: str
    level: str = FAILURE

    def as_dict(self) -> dict[str, str]:
        """Return the finding as the JSON has it."""
        return {
            "id": self.id,
            "host": self.host,
            "seen": self.seen,
            "wanted": self.wanted,
            "remedy": self.remedy,
        }


def warning(id: str, host: str, seen: str, wanted: str, remedy: str) -> Finding:  # noqa: A002
    """Return a finding that a deploy may survive."""
    return Finding(id, host, seen, wanted, remedy, WARNING)


@dataclass(frozen=True, slots=True)
class PairCount:
    """Number of pairs of hosts, each counted in both directions.

    Attributes:
        all: those that there are.
        tested: those of them that were tried.
        sampled: true if there were too many to try all.
    """

    all: int = 0
    tested: int = 0
    sampled: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that doctor found.

    Attributes:
        cluster: the name of the cluster.
        hosts: the hosts that were looked at, each with some facts about it; none of a
            host that could not be asked.
        findings: failures and warnings, in the order of the hosts.
        pairs: how many pairs of hosts were tried.
        interrupted: the look was ended by Ctrl-C: what it did not reach is unknown.
        bandwidth: between the hosts; None = it was not measured.
        stopped: hosts whose Ray a person has stopped, each with when and by whom.
    """

    cluster: str
    hosts: Mapping[str, Mapping[str, str]]
    findings: tuple[Finding, ...] = ()
    pairs: PairCount = field(default_factory=PairCount)
    interrupted: bool = False
    bandwidth: Bandwidth | None = None
    stopped: Mapping[str, str] = field(default_factory=dict)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Findings for which a deploy would fail."""
        return tuple(one for one in self.findings if one.level == FAILURE)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The other findings."""
        return tuple(one for one in self.findings if one.level == WARNING)

    @property
    def ok(self) -> bool:
        """True if nothing was found for which a deploy would fail, and all was looked at."""
        return not self.failures and not self.interrupted

    def exit_code(self, *, strict: bool = False) -> int:
        """Return 0, 2 (failures), or with *strict* 3 (warnings); 130 after Ctrl-C."""
        if self.interrupted:
            return 130
        if self.failures:
            return FOUND
        return WARNED if strict and self.warnings else 0

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        pairs = self.pairs
        return {
            "ok": self.ok,
            "cluster": self.cluster,
            "interrupted": self.interrupted,
            "hosts": {name: dict(facts) for name, facts in self.hosts.items()},
            "pairs": {
                "all": pairs.all,
                "tested": pairs.tested,
                "sampled": pairs.sampled,
            },
            "bandwidth": self.bandwidth.as_dict() if self.bandwidth else None,
            "stopped": dict(self.stopped),
            "failures": [one.as_dict() for one in self.failures],
            "warnings": [one.as_dict() for one in self.warnings],
        }
