"""A host costs one round trip, and one for each change; old replies are not used."""

from __future__ import annotations

from pathlib import Path

from rig import Note, Rig, Together

from provision.engine.host.session import ChangeClock
from provision.model.events import StepApplying, StepChanged, StepFailed, StepOk


def test_a_play_is_idle_when_the_last_probe_found_no_difference(
    notes: list[Note],
) -> None:
    rig = Rig(notes[:2], notes[:1], notes[2:])
    first, again, other = rig.plays
    assert not rig.host.idle(again), "nothing was probed yet"
    rig.host.run(first)
    assert rig.host.idle(again)
    assert not rig.host.idle(other), "its probe found a difference"


def test_a_converged_host_costs_one_round_trip(notes: list[Note]) -> None:
    Rig(notes).run()
    again = Rig(notes[:2], notes[2:])
    assert again.run()
    assert again.trips == again.transport.round_trips == 1
    assert len(again.of(StepOk)) == 4
    assert not again.of(StepApplying, StepChanged)


def test_mergeable_probes_are_one_and_each_step_has_its_answer(
    notes: list[Note],
) -> None:
    together = [Together(path=note.path) for note in notes]
    assert Rig(together).run()
    again = Rig(together[:2], together[2:])
    assert again.run()
    assert again.trips == 1
    assert [ok.observed for ok in again.of(StepOk)] == [  # type: ignore[attr-defined]
        {"text": "new", "asked": "4"}
    ] * 4


def test_a_merged_probe_that_fails_is_sent_again_unmerged(
    notes: list[Note], tmp_path: Path
) -> None:
    seen = [Together(path=note.path) for note in notes]
    Rig(seen).run()
    rig = Rig([*seen, Together(path=f"{tmp_path}/unseen")], dry=True)
    rig.run()
    assert [ok.observed["asked"] for ok in rig.of(StepOk)] == ["1"] * 4  # type: ignore[attr-defined]
    [failed] = rig.of(StepFailed)
    assert "cannot tell" in str(failed.error)  # type: ignore[attr-defined]
    assert rig.trips == 2


def test_the_changes_of_a_play_cost_one_more(notes: list[Note]) -> None:
    Rig([notes[1]]).run()
    rig = Rig(notes[:2], notes[2:])
    assert rig.run()
    assert rig.trips == 1 + 2
    assert len(rig.of(StepChanged)) == 3
    assert [Path(note.path).read_text() for note in notes] == ["new"] * 4


def test_a_gate_probes_again_only_when_something_changed_elsewhere(
    notes: list[Note],
) -> None:
    Rig(notes).run()
    rig = Rig(notes[:2], notes[2:])
    first, second = rig.plays
    rig.host.run(first)
    Path(notes[3].path).write_text("old")
    assert rig.host.run(second)
    assert rig.trips == 1
    rig = Rig(notes[:2], notes[2:])
    rig.host.run(rig.plays[0])
    rig.clock.tick("node2")
    rig.host.run(rig.plays[1])
    assert len(rig.of(StepChanged)) == 1
    assert rig.trips == 3


def test_a_gate_does_not_probe_again_what_was_probed_after_the_change_elsewhere(
    notes: list[Note],
) -> None:
    Rig(notes).run()
    rig = Rig(notes[:2], notes[2:])
    rig.clock.tick("node2")
    assert rig.run()
    assert rig.trips == 1


def test_the_clock_counts_the_changes_of_other_hosts() -> None:
    clock = ChangeClock()
    for host in ("a", "b", "b"):
        clock.tick(host)
    assert [clock.elsewhere(host) for host in "abc"] == [2, 1, 3]


def test_a_change_is_counted(notes: list[Note]) -> None:
    rig = Rig(notes[:1])
    rig.run()
    assert rig.clock.elsewhere("node2") == 1
