"""The state before a failed change is restored, by steps that can do so."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from rig import Note, Rig

from provision.model.change import Change, State
from provision.model.events import StepFailed
from provision.model.shell import Sh


class Kept(Note, kind="kept"):
    """A note that goes back to the text it had."""

    def put_back(self, observed: State, changes: Sequence[Change]) -> Sh:
        text = 'printf %s "$text" >"$path"; echo "kept $text"'
        return Sh(text, params={"path": self.path, "text": observed["text"]})


@pytest.mark.parametrize("change", ["exit 7", "true"])
def test_what_ran_before_a_change_that_failed_is_put_back(
    notes: list[Note], change: str
) -> None:
    Path(notes[0].path).write_text("old")
    broken = f'echo half >"$path"; {change}'
    rig = Rig([Kept(path=notes[0].path, change=broken)])
    assert not rig.run()
    assert Path(notes[0].path).read_text() == "old"
    [failed] = rig.of(StepFailed)
    evidence = f"evidence about {notes[0].path}"
    assert failed.error.details[-2:] == (evidence, "kept old")  # type: ignore[attr-defined]


def test_what_was_not_changed_is_not_put_back(notes: list[Note]) -> None:
    Path(notes[0].path).write_text("foreign")
    rig = Rig([Kept(path=notes[0].path)])
    assert not rig.run()
    assert Path(notes[0].path).read_text() == "foreign"


def test_an_interrupted_run_puts_nothing_back(notes: list[Note]) -> None:
    Path(notes[0].path).write_text("old")
    rig = Rig([Kept(path=notes[0].path, change='echo half >"$path"', settle_s=1)])
    threading.Timer(0.5, rig.stopped.set).start()
    assert not rig.run()
    assert Path(notes[0].path).read_text() == "half\n"
