"""One host is brought to its steps, each judged on what is there when its turn comes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from rig import LATER, Note, Rig

from provision.engine.host.outcome import apply_error
from provision.errors import ApplyError, LockHeldError, StepTimeoutError, VerifyError
from provision.model.change import State
from provision.model.events import (
    HostBlocked,
    OutputLine,
    StepChanged,
    StepFailed,
    StepOk,
    StepWaiting,
)
from provision.model.shell import Reply


def test_a_step_is_judged_on_what_earlier_steps_made(notes: list[Note]) -> None:
    later = Note(path=notes[1].path, needs=notes[0].path)
    rig = Rig([notes[0], later])
    assert rig.run(), "its probe failed at first, before its turn had come"
    assert [type(event) for event in rig.of(StepChanged, StepOk)] == [
        StepChanged,
        StepOk,
    ]


def test_a_probe_that_cannot_tell_fails_when_its_turn_comes(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, needs="/nowhere"), notes[1]])
    assert not rig.run()
    [failed] = rig.of(StepFailed)
    assert "cannot tell" in str(failed.error)  # type: ignore[attr-defined]
    assert "no /nowhere" in failed.error.details  # type: ignore[attr-defined]
    [blocked] = rig.of(HostBlocked)
    assert blocked.steps == 1  # type: ignore[attr-defined]
    assert not Path(notes[1].path).exists()


def test_a_failed_change_explains_itself(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change="echo reason; echo broken >&2; exit 7")])
    assert not rig.run()
    [failed] = rig.of(StepFailed)
    error = failed.error  # type: ignore[attr-defined]
    assert isinstance(error, ApplyError)
    assert "exit code 7" in error.message
    assert error.details == ("reason", "broken", f"evidence about {notes[0].path}")
    assert error.hint == "write it by hand"


def test_a_change_without_effect_is_an_error(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change="true"), notes[1]])
    assert not rig.run()
    [failed] = rig.of(StepFailed)
    assert isinstance(failed.error, VerifyError)  # type: ignore[attr-defined]
    assert "text: (absent) -> new" in str(failed.error)  # type: ignore[attr-defined]


def test_a_step_that_settles_is_waited_for_by_its_host(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change=LATER, settle_s=60), notes[1]])
    assert rig.run()
    [waiting] = rig.of(StepWaiting)
    assert [change.after for change in waiting.left] == ["new"]  # type: ignore[attr-defined]
    assert rig.trips == 2, "the look; both changes, and the wait between them"


class Counted(Note, kind="counted"):
    """A note that is hopeless once it has another text than at first."""

    def hopeless(self, first: State, now: State) -> str:
        return "it got worse" if now != first else ""


def test_a_step_that_is_hopeless_is_not_waited_for(notes: list[Note]) -> None:
    worse = 'printf a >"$path"; (sleep 0.3; printf b >"$path") >/dev/null 2>&1 &'
    rig = Rig([Counted(path=notes[0].path, change=worse, settle_s=60)])
    started = time.monotonic()
    assert not rig.run()
    assert time.monotonic() - started < 30
    [failed] = rig.of(StepFailed)
    assert "but it got worse: it still differs: text: b" in str(failed.error)  # type: ignore[attr-defined]


def test_a_step_that_never_settles_fails(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change="true", settle_s=0.3)])
    assert not rig.run()
    [failed] = rig.of(StepFailed)
    assert "after 0.3 s it still differs" in str(failed.error)  # type: ignore[attr-defined]


def test_a_change_that_hangs_is_killed_at_its_limit(notes: list[Note]) -> None:
    rig = Rig([Note(path=notes[0].path, change="sleep 60", timeout_s=0.3)])
    assert not rig.run()
    [failed] = rig.of(StepFailed)
    assert isinstance(failed.error, StepTimeoutError)  # type: ignore[attr-defined]
    assert "0.3 s" in str(failed.error)  # type: ignore[attr-defined]


def test_a_lock_held_by_another_ends_the_run_before_anything_changes(
    notes: list[Note], tmp_path: Path
) -> None:
    rig = Rig(notes)

    def held() -> None:
        raise LockHeldError("held")

    rig.before = held
    with pytest.raises(LockHeldError):
        rig.run()
    assert list(tmp_path.iterdir()) == []


def test_the_lines_of_a_running_change_are_shown_and_those_of_probes_are_not(
    notes: list[Note],
) -> None:
    rig = Rig(notes[:1])
    rig.run()
    assert [event.line for event in rig.of(OutputLine)] == ["wrote new"]  # type: ignore[attr-defined]


def test_a_failed_change_shows_both_streams() -> None:
    error = apply_error(60, Reply("what went before\n", "why it failed\n", exit=1))
    assert error.details == ("what went before", "why it failed")


def test_one_that_took_too_long_does_as_well() -> None:
    error = apply_error(60, Reply("half way\n", "and waiting\n", exit=137, ended=False))
    assert isinstance(error, StepTimeoutError)
    assert error.details == ("half way", "and waiting")
