"""Unit files of systemd that are not there, or as they were before the first deploy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from provision.model.change import Change, State
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Thing
from provision.steps.files.foresight import at, foresee_at, read_at
from provision.steps.manifest.manifest import AS_IT_WAS, STAYS, UNDONE
from provision.steps.services.units.systemd_unit import FOLDER, UNITS_LOADED, UnitName

PROBE = read_shell(__file__, "unit_absent_probe.sh")
REMOVE = read_shell(__file__, "unit_absent_remove.sh")
ALTERED = "altered"
"""The state of a unit file that was there before, with other content."""


class SystemdUnitAbsent(Absence, kind="systemd_unit_absent"):
    """No such unit files in /etc/systemd/system, and systemd knows it.

    What runs is not stopped: put a `service_absent` step before it. With `only_brought`
    those go that a `systemd_unit` step has made; one that was there before the first
    deploy is put back as it was, but its service is not started.

    Example:
        systemd_unit_absent: {names: [node-exporter.service], only_brought: true}

    Source: systemd.unit(5) and systemctl(1), systemd 239.
    """

    title_format = "no unit {names}"

    names: tuple[UnitName, ...] = Field(min_length=1)
    only_brought: bool = False

    @property
    def _paths(self) -> dict[str, str]:
        return {name: f"{FOLDER}/{name}" for name in self.names}

    def probe(self) -> Sh:
        return Sh.of(PROBE, *self.names, only_brought=self.only_brought, folder=FOLDER)

    def remarks(self, observed: State) -> Iterator[str]:
        for name, state in observed.items():
            if state == STAYS:
                yield f"{FOLDER}/{name} stays: no run is known to have made it"

    def describes(self) -> list[Thing]:
        return [at(path) for path in self._paths.values()]

    def reads(self) -> list[Thing]:
        return [thing for path in self._paths.values() for thing in read_at(path)]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        gone: dict[Thing, State] = {
            at(self._paths[c.field]): {} for c in changes if c.after != AS_IT_WAS
        }
        return gone | {
            UNITS_LOADED: {"loaded": "current"},
            UNDONE: {"units": "undone"},
        }

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        if self.only_brought and any(written.values()):
            return None
        now = {
            name: foresee_at(path, _there(observed.get(name)), written)
            for name, path in self._paths.items()
        }
        return {
            name: observed.get(name, self._paths[name])
            for name, there in now.items()
            if there
        }

    def plan(self, observed: State) -> list[Change]:
        return [
            Change(c.field, c.before, AS_IT_WAS) if c.before == ALTERED else c
            for c in super().plan(observed)
            if c.before != STAYS
        ]

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(REMOVE, *self.names, only_brought=self.only_brought, folder=FOLDER)


def _there(path: str | None) -> State:
    return {} if path is None else {"type": "file"}
