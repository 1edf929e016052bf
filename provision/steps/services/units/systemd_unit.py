"""Unit files of systemd that are there and known to systemd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from provision.model.change import Change, State, diff
from provision.model.fields import Text
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step, TextChange, Thing
from provision.steps.files.file import File

UNIT = (
    r"\A[A-Za-z0-9_][A-Za-z0-9_.@-]*\.(service|socket|timer|path|mount|target|slice)\z"
)
UnitName = Annotated[str, Field(pattern=UNIT)]
FOLDER = "/etc/systemd/system"

UNITS_LOADED: Thing = "unit files that systemd has read"

PROBE = read_shell(__file__, "unit_probe.sh")
RELOAD = read_shell(__file__, "unit_reload.sh")
WRITE = read_shell(__file__, "unit_write.sh")


class SystemdUnit(Step, kind="systemd_unit"):
    """A unit file in /etc/systemd/system with this content, that systemd has read.

    It starts nothing: a `service` step does, with this file among its `files`. A file
    that was written but not read by systemd is a difference of its own, so a run that
    was killed in between is made good by the next.

    Example:
        systemd_unit:
          name: node-exporter.service
          content: |
            [Service]
            ExecStart=/opt/node_exporter/node_exporter
            [Install]
            WantedBy=multi-user.target

    Raises:
        RefusedError: a link is at its place, such as that of a masked unit.

    Source: systemd.unit(5) and systemctl(1), systemd 239.
    """

    title_format = "unit {name}"
    advice_table = {("there is no directory",): "this host has no systemd"}

    name: UnitName
    content: Text

    def file(self) -> File:
        """The file that the unit is."""
        return File(path=f"{FOLDER}/{self.name}", content=self.content)

    def probe(self) -> Sh:
        return Sh.of(PROBE, self.file().path, name=self.name)

    def observe(self, reply: Reply) -> State:
        state = self.file().observe(reply)
        if "content" not in state:
            return state
        known = "NeedDaemonReload=no" in reply.stdout.splitlines()
        return {**state, "loaded": "current" if known else "outdated"}

    def desired(self) -> State:
        return {**self.file().desired(), "loaded": "current"}

    def describes(self) -> list[Thing]:
        return [self.file().thing]

    def reads(self) -> list[Thing]:
        return [*self.file().reads(), UNITS_LOADED]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        return {**self.file().writes(changes), UNITS_LOADED: {"loaded": "current"}}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        state = dict(self.file().foresee(observed, written))
        for thing, fields in written.items():
            if thing == UNITS_LOADED or "content" in fields:
                state["loaded"] = "current" if thing == UNITS_LOADED else "outdated"
        return state if "content" in state else {}

    def plan(self, observed: State) -> list[Change]:
        return [*self.file().plan(observed), *diff(observed, {"loaded": "current"})]

    def settled(self) -> Settled:
        return Settled((*self.file().settled().lines, ("NeedDaemonReload=no",)))

    def text_change(
        self, observed: State, changes: Sequence[Change]
    ) -> TextChange | None:
        return self.file().text_change(observed, changes)

    def apply(self, changes: Sequence[Change]) -> Sh:
        if {change.field for change in changes} == {"loaded"}:
            return Sh.of(RELOAD)
        params = self.file().apply(changes).params
        return Sh.of(WRITE, **{**params, "content": self.content})
