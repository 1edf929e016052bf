"""Packages of the distribution that are absent, whoever installed them or only if a deploy did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provision.model.change import Change, State
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Step, Thing
from provision.steps.manifest.manifest import STAYS, UNDONE
from provision.steps.packages.packages import PACKAGES, NamedPackages, package

REMOVE = read_shell(__file__, "remove.sh")
BROUGHT_PROBE = read_shell(__file__, "brought_probe.sh")
BROUGHT_REMOVE = read_shell(__file__, "brought_remove.sh")


class PackagesAbsent(Absence, NamedPackages, kind="packages_absent"):
    """Packages that are not installed; their configuration files stay.

    With `only_brought` those go that a step of provision has installed, with their
    configuration unless that was there before, and with what came with them and nothing
    needs then; others stay, and all do if a package that somebody else has installed
    needs one of them.

    Example:
        packages_absent: {names: [unattended-upgrades]}

    Raises:
        ApplyError: other packages need one of them (the message names them), or the
            lock was not to be had.

    Source: apt-get(8) 2.0, rpm(8).
    """

    title_format = "no packages {names}"

    only_brought: bool = False

    def probe(self) -> Sh:
        if not self.only_brought:
            return super().probe()
        return Sh.of(BROUGHT_PROBE, *self.names)

    def observe(self, reply: Reply) -> State:
        if not self.only_brought:
            return super().observe(reply)
        return Step.observe(self, reply)

    def remarks(self, observed: State) -> Iterator[str]:
        if STAYS in observed:
            names = ", ".join(self.names)
            yield f"the packages {names} stay: {observed[STAYS]} needs them"

    def plan(self, observed: State) -> list[Change]:
        return [] if STAYS in observed else super().plan(observed)

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        gone: dict[Thing, State] = {package(change.field): {} for change in changes}
        names = {f"-{change.field}": "removed" for change in changes}
        return gone | {PACKAGES: names, UNDONE: {"packages": "undone"}}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        if self.only_brought:
            return None if any(written.values()) else observed
        return super().foresee(observed, written)

    def apply(self, changes: Sequence[Change]) -> Sh:
        names = [change.field for change in changes]
        if self.only_brought:
            return Sh.of(BROUGHT_REMOVE, *names, lock_timeout_s=self.lock_timeout_s)
        return Sh.of(REMOVE, *names, lock_timeout_s=self.lock_timeout_s)
