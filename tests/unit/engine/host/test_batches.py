"""Several changes in one script: how many, their events, limits and what ends a batch."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from rig import Note, Rig

from provision.engine.host.batch import PAUSE_S, TimeLimit
from provision.engine.host.connection import HostConnection, HostStep
from provision.engine.host.converge import Convergence, HostPlay
from provision.errors import ConnectionLost, StepTimeoutError
from provision.model.events import (
    Event,
    OutputLine,
    StepApplying,
    StepChanged,
    StepFailed,
    StepOk,
    StepOutdated,
    StepWaiting,
)
from provision.model.shell import Sh
from provision.model.step import BoundStep, Step
from provision.transport.local import LocalTransport


class Opaque(Note, kind="opaque_note"):
    """A note of which only the controller can tell whether it is as it should be."""

    def settled(self) -> None:
        return None


def test_changes_that_leave_each_other_alone_cost_one_round_trip(
    notes: list[Note],
) -> None:
    rig = Rig(notes)
    assert rig.run()
    assert rig.trips == 2, "the look, and all changes"
    assert len(rig.of(StepChanged)) == 4


def test_events_are_in_the_order_of_steps(notes: list[Note]) -> None:
    rig = Rig(notes)
    rig.run()
    kinds = [type(e) for e in rig.of(StepApplying, OutputLine, StepChanged)]
    assert kinds == [StepApplying, OutputLine, StepChanged] * 4


def test_a_step_that_only_the_controller_can_prove_ends_a_batch(
    notes: list[Note],
) -> None:
    opaque = Opaque(path=notes[1].path)
    rig = Rig([notes[0], opaque, notes[2], notes[3]])
    assert rig.run()
    assert rig.trips == 3


def test_one_that_an_earlier_step_changes_is_planned_anew(tmp_path: Path) -> None:
    spoils = Note(
        path=f"{tmp_path}/a", change=f'printf %s new >"$path"; echo odd >{tmp_path}/b'
    )
    rig = Rig([spoils, Note(path=f"{tmp_path}/b")])
    assert rig.run()
    assert len(rig.of(StepOutdated)) == 1
    assert rig.trips == 3
    second = rig.of(StepApplying)[1]
    [change] = second.changes  # type: ignore[attr-defined]
    assert change.before == "odd"


def test_the_step_that_is_not_as_planned_from_is_the_one_that_is_named(
    tmp_path: Path,
) -> None:
    between = Note(path=f"{tmp_path}/b")
    Path(between.path).write_text("new")
    spoils = Note(
        path=f"{tmp_path}/a", change=f'printf %s new >"$path"; echo odd >{tmp_path}/b'
    )
    rig = Rig([spoils, between, Note(path=f"{tmp_path}/c")])
    titles = [step.bound.label for step in rig.plays[0].steps]
    assert rig.run()
    [outdated] = rig.of(StepOutdated)
    assert outdated.step == titles[1]  # type: ignore[attr-defined]
    assert len(rig.of(StepChanged)) == 3


def test_a_guard_that_hangs_is_an_error_of_its_own_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("follower", "batch", "session"):
        monkeypatch.setattr(f"provision.engine.host.{module}.PROBE_LIMIT_S", 2.0)
    first = Note(path=f"{tmp_path}/a", change='printf %s "$text" >"$path"')
    run = Local(first, Note(path=f"{tmp_path}/b"), Stuck(path=f"{tmp_path}/b"))
    assert not run.good
    [failed] = [e for e in run.events if isinstance(e, StepFailed)]
    assert failed.kind == "stuck"
    assert "the probe did not end within" in failed.error.message
    changed = [e.step for e in run.events if isinstance(e, StepChanged)]
    assert len(changed) == 2


class Stuck(Note, kind="stuck"):
    """A note whose probe hangs once the file is there."""

    text: str = "other"

    def probe(self) -> Sh:
        stuck = '[ ! -e "$path" ] || sleep 60'
        return Sh(stuck, params={"path": self.path})


def test_ctrl_c_in_a_wait_is_told_as_such(tmp_path: Path) -> None:
    stopped = threading.Event()
    events: list[Event] = []
    step = Note(path=f"{tmp_path}/a", change="true", settle_s=60)
    row = (HostStep(0, "play", become=False, bound=BoundStep(step)),)

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, StepWaiting):
            stopped.set()
            connection.close()

    connection = HostConnection(
        "here", LocalTransport(), row, emit=emit, stopped=stopped
    )
    host = Convergence(connection, dry=False, emit=emit, stopped=stopped)
    assert not host.run(HostPlay("play", "here", row))
    [failed] = [e for e in events if isinstance(e, StepFailed)]
    assert failed.error.message == "interrupted before it had settled"
    assert not [e for e in events if isinstance(e, StepChanged)]


def test_one_that_an_earlier_step_mends_is_ok(tmp_path: Path) -> None:
    mends = Note(
        path=f"{tmp_path}/a", change=f'printf %s new | tee "$path" >{tmp_path}/b'
    )
    rig = Rig([mends, Note(path=f"{tmp_path}/b")])
    assert rig.run()
    assert len(rig.of(StepChanged)) == len(rig.of(StepOk)) == 1


def test_a_cut_between_two_changes_repeats_none(notes: list[Note]) -> None:
    rig = Rig(notes)
    rig.transport.fail(ConnectionLost("cut"), at=2, ran=True)
    assert rig.run()
    # All ran. Three are proven; the probe of the last was lost, so it is asked for again.
    assert len(rig.of(StepApplying)) == 4
    assert len(rig.of(StepChanged)) == 3
    assert len(rig.of(StepOk)) == 1


class Local:
    """Steps on this machine, over the transport that streams their output."""

    def __init__(self, *steps: Step) -> None:
        self.events: list[Event] = []
        row = tuple(
            HostStep(n, "play", become=False, bound=BoundStep(step))
            for n, step in enumerate(steps)
        )
        connection = HostConnection(
            *("here", LocalTransport(), row),
            emit=self.events.append,
            stopped=threading.Event(),
        )
        host = Convergence(connection, dry=False, emit=self.events.append)
        self.good = host.run(HostPlay("play", "here", row))
        connection.close()


def test_each_step_of_a_batch_has_its_own_time_limit(tmp_path: Path) -> None:
    slow = 'printf %s "$text" >"$path"; sleep 1.2'
    steps = [
        Note(path=f"{tmp_path}/{n}", change=slow, timeout_s=3) for n in ("a", "b", "c")
    ]
    assert Local(*steps).good, "together they take longer than each may"


def test_one_that_hangs_is_killed_at_its_limit_and_named(tmp_path: Path) -> None:
    quick = [Note(path=f"{tmp_path}/{n}") for n in ("a", "b")]
    hangs = Note(path=f"{tmp_path}/c", change="echo waiting; sleep 60", timeout_s=2)
    after = Note(path=f"{tmp_path}/d")
    started = time.monotonic()
    run = Local(*quick, hangs, after)
    assert time.monotonic() - started < 20
    [failed] = [e for e in run.events if isinstance(e, StepFailed)]
    assert isinstance(failed.error, StepTimeoutError)
    assert "2 s" in failed.error.message
    assert "waiting" in "\n".join(failed.error.details)
    assert len([e for e in run.events if isinstance(e, StepChanged)]) == 2
    assert not Path(after.path).exists()


def test_events_come_while_the_batch_runs(tmp_path: Path) -> None:
    waits = (
        f'until [ -e {tmp_path}/go ]; do sleep 0.05; done; printf %s "$text" >"$path"'
    )
    first = Note(path=f"{tmp_path}/a")
    second = Note(path=f"{tmp_path}/b", change=waits)
    row = [first, second]
    seen: list[str] = []

    class Watching(list[Event]):
        def append(self, event: Event) -> None:
            seen.append(type(event).__name__)
            if isinstance(event, StepApplying) and seen.count("StepChanged") == 1:
                (tmp_path / "go").touch()

    steps = tuple(
        HostStep(n, "play", become=False, bound=BoundStep(step))
        for n, step in enumerate(row)
    )
    emit = Watching().append
    connection = HostConnection(
        *("here", LocalTransport(), steps), emit=emit, stopped=threading.Event()
    )
    assert Convergence(connection, dry=False, emit=emit).run(
        HostPlay("play", "here", steps)
    )
    connection.close()


def test_time_in_which_nobody_asks_does_not_count() -> None:
    now = 0.0
    limit = TimeLimit(lambda: now)
    limit.start(4)
    for _ in range(3):
        now += 1
        assert not limit.over()
    now += PAUSE_S + 1
    assert not limit.over(), "a second is left"
    now += 2
    assert limit.over()
