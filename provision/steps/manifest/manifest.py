"""The manifest of a host: the step that drops from it what a teardown has undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provision.model.change import Change, State
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Thing

ABSENT = "absent"
"""The state, in the manifest, of what was not there before."""
STAYS = "stays"
"""The field of what was there before, or of which that is not known."""
AS_IT_WAS = "as it was"
"""The state of what is put back, in a change."""
UNDONE: Thing = "what a deploy brought is undone"
"""Written by steps that undo what the manifest may have."""
PROBE = read_shell(__file__, "clean_probe.sh")
CLEAN = read_shell(__file__, "clean.sh")


class ManifestClean(Absence, kind="manifest_clean"):
    """The manifest of the host has only what is not as it was before the first deploy.

    One that would be empty is removed. It is the last step of a teardown.
    """

    title_format = "manifest"

    def probe(self) -> Sh:
        return Sh.of(PROBE)

    def reads(self) -> list[Thing]:
        return [UNDONE]

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> None:
        return None

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(CLEAN)
