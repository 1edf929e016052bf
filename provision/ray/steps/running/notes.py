"""Notes on the head about workers that are stopped on purpose: it does not miss them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import AbsPath, Word
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step
from provision.ray.steps.stop_mark.mark import mark_path, notes_dir, purpose

PROBE = read_shell(__file__, "notes_probe.sh")
NOTE = read_shell(__file__, "note.sh")
REMOVE = read_shell(__file__, "notes_remove.sh")
NODE = "node."
"""Prefix of the fields of the nodes."""
NOTED = "noted"


def _file_name(address: str) -> str:
    if "/" in address or address.startswith("."):
        raise ValueError("must be an address, or the name of a host")
    return address


Address = Annotated[Word, AfterValidator(_file_name)]


class StopNotes(Step):
    """The notes on the head about these workers."""

    data_dir: AbsPath
    """As in the step `ray_head`."""
    nodes: tuple[Address, ...] = ()
    """The addresses of the workers."""

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            *self.nodes,
            notes_dir=notes_dir(self.data_dir),
            stop_mark=mark_path(self.data_dir),
        )

    def _of(self, changes: Sequence[Change]) -> list[str]:
        fields = {change.field for change in changes}
        return [node for node in self.nodes if f"{NODE}{node}" in fields]


class RayStopNoted(StopNotes, kind="ray_stop_noted"):
    """The head has a note that these workers are stopped on purpose.

    Source: install(1), POSIX.
    """

    title_format = "note of stopped workers"

    def desired(self) -> State:
        return {f"{NODE}{node}": NOTED for node in self.nodes}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(NOTE, *self._of(changes), notes_dir=notes_dir(self.data_dir))


class RayStopNotNoted(StopNotes, kind="ray_stop_not_noted"):
    """The head has no note that these workers are stopped; it runs, or is to run.

    Raises:
        RefusedError: the head was stopped on purpose, and is not to be started.

    Source: rm(1), POSIX.
    """

    title_format = "no note of stopped workers"

    head_starts: bool = False
    """The head is started in the same run."""

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        words = purpose(observed)
        if words and not self.head_starts:
            raise RefusedError(
                f"the head is {words}: a worker cannot join it",
                hint="start it as well: leave out --limit, or name the head in it",
            )
        fields = [field for field in observed if field.startswith(NODE)]
        return [Change(field, observed[field], None) for field in fields]

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(REMOVE, *self._of(changes), notes_dir=notes_dir(self.data_dir))
