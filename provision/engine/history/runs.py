"""Runs, put together from the entries of all hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provision.engine.history.entries import Entry, Journal
from provision.errors import OptionError


@dataclass(frozen=True)
class PastRun:
    """A run that changed something.

    Attributes:
        id: as the hosts have it.
        entries: of all hosts, in the order of their clocks.
    """

    id: str
    entries: tuple[Entry, ...]

    @property
    def began(self) -> int:
        """The time of its first change."""
        return min(entry.time for entry in self.entries)

    @property
    def last(self) -> int:
        """The time of its last entry: its end, if that was seen."""
        return max(entry.time for entry in self.entries)

    @property
    def by(self) -> str:
        """The person and the machine that ran it."""
        return self.entries[0].by

    @property
    def playbook(self) -> str:
        """The name of its playbook; "" = not noted."""
        return self.entries[0].playbook

    @property
    def origins(self) -> tuple[str, ...]:
        """The addresses it came from, as the hosts saw them."""
        return tuple(dict.fromkeys(e.origin for e in self.entries if e.origin))

    @property
    def changes(self) -> tuple[Entry, ...]:
        """The changes that it began to make."""
        return tuple(entry for entry in self.entries if entry.change)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that it changed."""
        return tuple(sorted({entry.host for entry in self.changes}))

    @property
    def exit(self) -> int | None:
        """Its exit code; None = no end was noted: it runs, was killed, or was cut off."""
        codes = [entry.exit for entry in self.entries if entry.exit is not None]
        return codes[-1] if codes else None

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "run": self.id,
            "playbook": self.playbook,
            "by": self.by,
            "from": [*self.origins],
            "began": self.began,
            "last": self.last,
            "exit": self.exit,
            "hosts": [*self.hosts],
            "changes": [
                {
                    "host": one.host,
                    "time": one.time,
                    "login": one.login,
                    "step": one.change,
                    "fields": [*one.fields],
                }
                for one in self.changes
            ],
        }


def runs(journals: Mapping[str, Journal]) -> list[PastRun]:
    """Return all runs of *journals*, the latest last."""
    found: dict[str, list[Entry]] = {}
    for journal in journals.values():
        for entry in journal.entries:
            found.setdefault(entry.run, []).append(entry)
    made = [
        PastRun(name, tuple(sorted(entries, key=lambda e: (e.time, not e.change))))
        for name, entries in found.items()
    ]
    return sorted(made, key=lambda run: (run.began, run.id))


def chosen_run(found: Iterable[PastRun], name: str) -> PastRun:
    """Return the run whose id is *name*, or the only one whose id begins with it.

    Raises:
        OptionError: there is none, or several.
    """
    known = [run for run in found if run.id.startswith(name)]
    exact = [run for run in known if run.id == name]
    if len(known) == 1 or exact:
        return (exact or known)[0]
    if known:
        ids = ", ".join(run.id for run in known[:5])
        raise OptionError(f"{name!r} begins the id of several runs: {ids}")
    raise OptionError(
        f"no host that was asked has a run {name!r} in its journal",
        hint="`history` lists the runs; those that the journals no longer have are "
        "not known",
    )
