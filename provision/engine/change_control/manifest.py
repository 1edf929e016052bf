"""The part of a host's manifest that is written before each change, whatever the step."""

from __future__ import annotations

from collections.abc import Sequence

from provision.model.change import Change
from provision.model.shell import NOTHING, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step

NOTE = read_shell(__file__, "note_things.sh")
NOTED = ("path:", "archive:", "user:", "member:", "image:")
"""Beginnings of the names of things that are noted; other steps note theirs themselves."""


def note_things(step: Step, changes: Sequence[Change]) -> Sh:
    """Return shell that notes what is there of the things that *changes* bring or alter.

    What is to go is not noted: only what comes is taken back by a teardown.
    """
    things = [
        thing
        for thing, state in step.writes(changes).items()
        if state and thing.startswith(NOTED)
    ]
    return Sh.of(NOTE, *things) if things else NOTHING
