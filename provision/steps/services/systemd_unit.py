"""Unit files of systemd: present and known to systemd, or absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from provision.model.change import Change, State, diff
from provision.model.fields import Text
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Settled, Step, TextChange, Thing
from provision.steps.files.file import File
from provision.steps.files.foresight import at, foresee_at, read_at
from provision.steps.manifest.manifest import UNDONE

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


ABSENT_PROBE = r"""
for name; do
    path=/etc/systemd/system/$name
    if [ -e "$path" ] || [ -L "$path" ]; then
        printf '%s=%s\n' "$name" "$path"
    elif [ -d /run/systemd/system ]; then
        needs=$(systemctl show -p NeedDaemonReload "$name") || exit 1
        [ "$needs" != NeedDaemonReload=yes ] ||
            printf '%s=still known to systemd\n' "$name"
    fi
done
"""
ABSENT_REMOVE = r"""
for name; do rm -f -- "/etc/systemd/system/$name"; done
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl reset-failed "$@" 2>/dev/null || true
fi
"""


class SystemdUnitAbsent(Absence, kind="systemd_unit_absent"):
    """No such unit files in /etc/systemd/system, and systemd knows it.

    What runs is not stopped: put a `service_absent` step before it.

    Example:
        systemd_unit_absent: {names: [node-exporter.service]}

    Source: systemd.unit(5) and systemctl(1), systemd 239.
    """

    title_format = "no unit {names}"

    names: tuple[UnitName, ...] = Field(min_length=1)

    def probe(self) -> Sh:
        return Sh.of(ABSENT_PROBE, *self.names)

    def describes(self) -> list[Thing]:
        return [at(f"{FOLDER}/{name}") for name in self.names]

    def reads(self) -> list[Thing]:
        return [thing for name in self.names for thing in read_at(f"{FOLDER}/{name}")]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        gone: dict[Thing, State] = {at(f"{FOLDER}/{c.field}"): {} for c in changes}
        return gone | {
            UNITS_LOADED: {"loaded": "current"},
            UNDONE: {"units": "undone"},
        }

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        now = {
            name: foresee_at(f"{FOLDER}/{name}", _there(observed.get(name)), written)
            for name in self.names
        }
        return {name: f"{FOLDER}/{name}" for name, there in now.items() if there}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(ABSENT_REMOVE, *self.names)


def _there(path: str | None) -> State:
    return {} if path is None else {"type": "file"}
