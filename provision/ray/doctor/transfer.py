"""The transfers of a measurement, and what they were compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer from one host to another.

    Attributes:
        sender: the host that sent.
        receiver: the host that it sent to.
        address: that of the receiver, which Ray uses.
        gbit_s: the bandwidth in Gbit/s; None = it could not be measured.
        why: the reason for that.
        baseline: the best of earlier measurements; None = there is none.
    """

    sender: str
    receiver: str
    address: str
    gbit_s: float | None = None
    why: str = ""
    baseline: float | None = None

    def __str__(self) -> str:
        return f"{self.sender} -> {self.receiver}"

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "from": self.sender,
            "to": self.receiver,
            "gbit_s": self.gbit_s,
            "baseline_gbit_s": self.baseline,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """A measurement.

    Attributes:
        transfers: those that were tried.
        pairs: how many pairs there are, each counted in both directions.
        baseline: the file of the baseline on this machine.
    """

    transfers: tuple[Transfer, ...]
    pairs: int
    baseline: str

    @property
    def sampled(self) -> bool:
        """True if there were too many pairs to try all."""
        return len(self.transfers) < self.pairs

    def measured(self) -> Iterator[tuple[float, Transfer]]:
        """Yield the transfers that ended, with their Gbit/s."""
        for one in self.transfers:
            if one.gbit_s is not None:
                yield one.gbit_s, one

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "pairs": self.pairs,
            "sampled": self.sampled,
            "baseline": self.baseline,
            "transfers": [one.as_dict() for one in self.transfers],
        }
