"""Plays of a host that only follow each other: one script, and each play's own events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from rig import Note, Rig

from provision.errors import ConnectionLost, RefusedError
from provision.model.change import Change
from provision.model.events import (
    Event,
    HostBlocked,
    HostFailed,
    StepApplying,
    StepChanged,
    StepFailed,
    StepOk,
)
from provision.model.step import Upload


class Unready(Note, kind="unready"):
    """A note whose file cannot be brought."""

    def upload(self, changes: Sequence[Change]) -> Upload | None:
        raise RefusedError("there is no room for it here")


FAIL = "echo failed >&2; exit 3"


def test_their_changes_go_in_one_script(notes: list[Note]) -> None:
    rig = Rig(notes[:2], notes[2:])
    assert rig.host.run(*rig.plays)
    assert rig.trips == 2
    plays = [event.play for event in rig.of(StepChanged)]  # type: ignore[attr-defined]
    assert plays == ["play0", "play0", "play1", "play1"]


def test_a_play_has_ended_when_its_last_step_has(notes: list[Note]) -> None:
    rig = Rig(notes[:1], notes[1:2], notes[2:])
    told: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, StepApplying | StepChanged):
            told.append(f"{type(event).__name__} in {event.play}")

    rig.seen = note
    assert rig.host.run(*rig.plays, go_on=lambda: told.append("go on"))
    assert told == [
        "StepApplying in play0",
        "StepChanged in play0",
        "go on",
        "StepApplying in play1",
        "StepChanged in play1",
        "go on",
        *["StepApplying in play2", "StepChanged in play2"] * 2,
    ]


def test_a_failure_is_that_of_its_own_play(notes: list[Note], tmp_path: Path) -> None:
    bad = Note(path=f"{tmp_path}/bad", change=FAIL)
    rig = Rig(notes[:2], [notes[2], bad, notes[3]], [Note(path=f"{tmp_path}/e")])
    gone_on: list[int] = []
    assert not rig.host.run(*rig.plays, go_on=lambda: gone_on.append(1))
    assert len(gone_on) == 1
    [failed] = rig.of(StepFailed)
    assert (failed.play, failed.step) == ("play1", "note")  # type: ignore[attr-defined]
    [blocked] = rig.of(HostBlocked)
    assert (blocked.play, blocked.steps) == ("play1", 1)  # type: ignore[attr-defined]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "b", "c"]


def test_a_file_that_cannot_be_brought_fails_the_step_that_needs_it(
    notes: list[Note], tmp_path: Path
) -> None:
    rig = Rig(notes[:1], [Unready(path=f"{tmp_path}/u")])
    assert not rig.host.run(*rig.plays)
    [changed] = rig.of(StepChanged)
    [failed] = rig.of(StepFailed)
    assert (changed.play, failed.play) == ("play0", "play1")  # type: ignore[attr-defined]


def test_a_cut_in_the_later_play_repeats_nothing(notes: list[Note]) -> None:
    rig = Rig(notes[:2], notes[2:])
    rig.transport.fail(ConnectionLost("cut"), at=2, ran=True)
    assert rig.host.run(*rig.plays)
    applied = [event.step for event in rig.of(StepApplying)]  # type: ignore[attr-defined]
    ok = [event.play for event in rig.of(StepOk)]  # type: ignore[attr-defined]
    assert len(applied) == 4, "each is changed once"
    assert ok == ["play1"], "the last one, of which the probes at the end were lost"


def test_a_host_that_cannot_go_on_names_the_play_it_was_in(notes: list[Note]) -> None:
    rig = Rig(notes[:1], notes[1:], most=1)
    for at in range(3, 7):
        rig.transport.fail(ConnectionLost("cut"), at=at)
    assert not rig.host.run(*rig.plays)
    [failed] = rig.of(HostFailed)
    assert failed.play == "play1"  # type: ignore[attr-defined]


@pytest.mark.parametrize("differ", [True, False])
def test_an_interruption_between_two_of_them_begins_no_more(
    notes: list[Note], tmp_path: Path, differ: bool
) -> None:
    if not differ:
        assert Rig(notes).run()
    rig = Rig(notes[:1], notes[1:], most=1)

    def stop(event: Event) -> None:
        if isinstance(event, StepChanged | StepOk):
            rig.stopped.set()

    rig.seen = stop
    assert not rig.host.run(*rig.plays)
    assert not rig.of(StepFailed), "nothing of it was begun"
    [blocked] = rig.of(HostBlocked)
    assert (blocked.play, blocked.steps) == ("play1", 3)  # type: ignore[attr-defined]
    assert str(blocked.by) == "the end of the run"  # type: ignore[attr-defined]


def test_one_that_has_no_steps_is_passed_by(notes: list[Note]) -> None:
    gone_on: list[int] = []
    rig = Rig([], notes[:1], [], [])
    assert rig.host.run(*rig.plays, go_on=lambda: gone_on.append(1))
    assert len(gone_on) == 3
    assert len(rig.of(StepChanged)) == 1


def test_after_a_failure_nobody_holds_the_connection(tmp_path: Path) -> None:
    rig = Rig([Note(path=f"{tmp_path}/a", change=FAIL)], [Note(path=f"{tmp_path}/b")])
    assert not rig.host.run(*rig.plays)
    with pytest.raises(ConnectionLost):
        rig.transport.run(rig.transport.scripts[0])
