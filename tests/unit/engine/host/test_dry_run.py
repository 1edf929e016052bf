"""A dry run lists what would change, and changes nothing."""

from __future__ import annotations

from pathlib import Path

from rig import Note, Rig, Shared

from provision.model.change import Change
from provision.model.events import StepFailed, StepOk, StepPlanned


def test_a_plan_lists_a_difference_that_two_steps_share_once(tmp_path: Path) -> None:
    [one, other] = [Shared(path=f"{tmp_path}/{name}") for name in "ab"]
    rig = Rig([one], [other, one], dry=True)
    rig.run()
    assert [len(event.changes) for event in rig.of(StepPlanned)] == [1, 1]  # type: ignore[attr-defined]
    assert len(rig.of(StepOk)) == 1


def test_a_dry_run_plans_and_touches_nothing(notes: list[Note], tmp_path: Path) -> None:
    rig = Rig(notes, dry=True)
    assert rig.run()
    assert rig.trips == 1
    planned = rig.of(StepPlanned)
    assert [event.changes for event in planned] == [  # type: ignore[attr-defined]
        (Change("text", None, "new"),)
    ] * 4
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_lists_what_it_cannot_know_yet(notes: list[Note]) -> None:
    rig = Rig([notes[0], Note(path=notes[1].path, needs=notes[0].path)], dry=True)
    assert rig.run()
    _, unknown = rig.of(StepPlanned)
    assert "known after" in str(unknown.changes[0])  # type: ignore[attr-defined]


def test_what_it_cannot_know_of_one_step_is_listed_once(notes: list[Note]) -> None:
    later = Shared(path=notes[1].path, needs=notes[0].path)
    rig = Rig([notes[0], later, later], dry=True)
    assert rig.run()
    assert len(rig.of(StepPlanned)) == 2


def test_a_dry_run_shows_every_problem(notes: list[Note]) -> None:
    Path(notes[0].path).write_text("foreign")
    rig = Rig(notes[:2], dry=True)
    rig.run()
    assert len(rig.of(StepFailed)) == 1
    assert len(rig.of(StepPlanned)) == 1
