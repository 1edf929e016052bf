"""Lines that are written on a host before each change: to its log, and its manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from provision.engine.change_control.audit import Audit
from provision.engine.change_control.manifest import note_things
from provision.model.change import Change
from provision.model.shell import NOTHING, Sh
from provision.model.step import BoundStep

Notes = Callable[[BoundStep, Sequence[Change]], Sequence[Sh]]
"""Returns shell that is run before a step makes changes, whatever comes of it."""


def notes_with(audit: Audit) -> Notes:
    """Return the notes of a run whose lines in the log are those of *audit*."""

    def notes(bound: BoundStep, changes: Sequence[Change]) -> tuple[Sh, ...]:
        found = audit.note(bound.label, changes), note_things(bound.step, changes)
        return tuple(sh for sh in found if sh != NOTHING)

    return notes
