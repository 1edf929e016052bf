"""Plays of different lanes of a host run side by side, over one connection."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from rig import Note

from provision.config.inventory import Inventory
from provision.config.playbook import Bound, BoundPlay
from provision.engine.change_control.audit import Audit
from provision.engine.host.connection import HostConnection, HostStep
from provision.engine.host.converge import Convergence, HostPlay
from provision.engine.host.session import ChangeClock
from provision.engine.runner import execute
from provision.errors import (
    AuthError,
    ConnectError,
    ConnectionLost,
    HostError,
    PrivilegeError,
)
from provision.model.events import (
    Event,
    HostBlocked,
    HostConnected,
    HostDone,
    HostFailed,
    HostProbed,
    HostRetrying,
    StepApplying,
    StepChanged,
    StepFailed,
    StepOk,
    StepPlanned,
)
from provision.model.mode import Mode
from provision.model.step import BoundStep, Step
from provision.testing import FakeTransport

LOST = ConnectionLost("cut")
WAIT = """printf %s "$text" >"$path"
n=0; while [ ! -e "$near" ]; do n=$((n + 1)); [ "$n" -lt 200 ] || exit 7; sleep 0.05; done"""


class Meeting(Note, kind="meeting"):
    """A note whose change ends once another file is there."""

    near: str
    change: str = WAIT

    def apply(self, changes: object) -> object:  # type: ignore[override]
        sh = super().apply(())
        return type(sh)(sh.text, params={**sh.params, "near": self.near})


class Run:
    """Plays on one host, each in a lane, and the events of a run."""

    def __init__(self, *plays: tuple[str, Sequence[Step]], **after: str) -> None:
        self.transport = FakeTransport()
        self.events: list[Event] = []
        self._inventory = Inventory.parse({"all": {"hosts": {"node1": {}}}})
        bound = tuple(
            BoundPlay(
                f"play{number}",
                tuple(filter(None, [after.get(f"play{number}")])),
                0,
                {"node1": tuple(BoundStep(step) for step in steps)},
                {"node1": False},
                lane,
            )
            for number, (lane, steps) in enumerate(plays)
        )
        self._bound = Bound(bound, self._inventory.hosts)

    def __call__(self, mode: Mode = Mode.APPLY, forks: int = 4) -> Run:
        execute(
            self._bound,
            self._inventory,
            mode=mode,
            forks=forks,
            report=self.events.append,
            interrupted=threading.Event(),
            audit=Audit(self._inventory.cluster),
            outcome=lambda: 0,
            connect=lambda host: self.transport,
        )
        return self

    def of(self, *kinds: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kinds)]


def test_two_lanes_run_at_the_same_time(tmp_path: Path) -> None:
    one, two = f"{tmp_path}/one", f"{tmp_path}/two"
    run = Run(
        ("", [Meeting(path=one, near=two)]), ("other", [Meeting(path=two, near=one)])
    )()
    assert len(run.of(StepChanged)) == 2, "each waits for the other one's file"
    assert len(run.of(HostConnected)) == run.transport.opened - 1 == 1, "and the lock"


def test_with_one_thread_they_run_in_turn(tmp_path: Path) -> None:
    run = Run(
        ("", [Note(path=f"{tmp_path}/one")]), ("other", [Note(path=f"{tmp_path}/two")])
    )
    assert len(run(forks=1).of(StepChanged)) == 2


def test_a_converged_host_is_asked_once_for_all_lanes(notes: list[Note]) -> None:
    lanes = (("", notes[:1]), ("a", notes[1:2]), ("b", notes[2:]))
    Run(*lanes)()
    again = Run(*lanes)()
    assert len(again.of(StepOk)) == 4
    assert again.transport.round_trips == 1
    [probed] = again.of(HostProbed)
    assert probed.steps == 4  # type: ignore[attr-defined]
    [done] = again.of(HostDone)
    assert done.round_trips == 1  # type: ignore[attr-defined]


def test_each_lane_keeps_its_own_order(notes: list[Note]) -> None:
    run = Run(("", notes[:1]), ("a", notes[1:2]), ("", notes[2:3]), ("a", notes[3:]))()
    order = [event.play for event in run.of(StepChanged)]  # type: ignore[attr-defined]
    assert order.index("play0") < order.index("play2")
    assert order.index("play1") < order.index("play3")


def test_a_failed_lane_blocks_itself_and_what_waits_for_it(tmp_path: Path) -> None:
    bad = Note(path=f"{tmp_path}/missing/x")
    good = [Note(path=f"{tmp_path}/{n}") for n in range(4)]
    run = Run(
        ("metrics", [bad, good[0]]),
        ("", [good[1]]),
        ("metrics", [good[2]]),
        ("", [good[3]]),
    )()
    assert [e.play for e in run.of(StepFailed)] == ["play0"]  # type: ignore[attr-defined]
    assert {e.play for e in run.of(StepChanged)} == {"play1", "play3"}  # type: ignore[attr-defined]
    assert {e.play for e in run.of(HostBlocked)} == {"play0", "play2"}  # type: ignore[attr-defined]


def test_what_a_lane_saw_before_a_gate_is_asked_again(tmp_path: Path) -> None:
    made = Note(path=f"{tmp_path}/made")
    # Its probe fails until the other lane has made the file.
    after = Note(path=f"{tmp_path}/made", needs=f"{tmp_path}/made")
    run = Run(("", [made]), ("other", [after]), play1="play0")()
    assert not run.of(StepFailed)
    assert [e.play for e in run.of(StepOk)] == ["play1"]  # type: ignore[attr-defined]


def test_a_connection_that_two_lanes_lose_is_opened_once(notes: list[Note]) -> None:
    run = Run(("", notes[:1]), ("other", notes[1:2]))
    run.transport.fail(LOST, at=1)
    run()
    assert len(run.of(StepChanged)) == 2
    assert len(run.of(HostRetrying)) == 1
    assert len(run.of(HostConnected)) == 2


def test_both_lose_it_in_a_change(tmp_path: Path) -> None:
    one, two = f"{tmp_path}/one", f"{tmp_path}/two"
    run = Run(
        ("", [Meeting(path=one, near=two)]), ("other", [Meeting(path=two, near=one)])
    )
    run.transport.fail(LOST, at=2, ran=True)
    run.transport.fail(LOST, at=3, ran=True)
    run()
    assert not run.of(StepFailed)
    assert {e.play for e in run.of(StepChanged, StepOk)} == {"play0", "play1"}  # type: ignore[attr-defined]
    assert len(run.of(HostRetrying)) == 1, "the second finds the connection open again"


def test_what_was_seen_before_another_lane_connected_again_is_asked_anew(
    notes: list[Note],
) -> None:
    waits = Meeting(path=notes[0].path, near=notes[1].path)
    run = Run(("", [notes[1]]), ("other", [waits]), ("other", [notes[2]]))
    run.transport.fail(LOST, at=2, ran=True)
    run()
    assert not run.of(StepFailed, HostFailed)
    assert {e.play for e in run.of(StepChanged, StepOk)} == {"play0", "play1", "play2"}  # type: ignore[attr-defined]


FINAL = [AuthError("the key is refused"), PrivilegeError("sudo refused")]


@pytest.mark.parametrize("error", FINAL)
def test_what_is_final_is_tried_once_for_all_lanes(
    notes: list[Note], error: HostError
) -> None:
    run = Run(("", notes[:2]), ("other", notes[2:]))
    if isinstance(error, ConnectError):
        run.transport.refuse(error, error)
    else:
        run.transport.fail(error)
    run()
    [failed] = run.of(HostFailed)
    assert failed.error is error  # type: ignore[attr-defined]
    [blocked] = run.of(HostBlocked)
    assert blocked.steps == 2  # type: ignore[attr-defined]
    assert blocked.by.play == failed.play  # type: ignore[attr-defined]
    assert run.transport.round_trips <= 1


@pytest.mark.parametrize("mode", [Mode.PLAN, Mode.VERIFY])
def test_a_plan_lists_the_plays_in_file_order(notes: list[Note], mode: Mode) -> None:
    run = Run(("", notes[:1]), ("a", notes[1:2]), ("", notes[2:3]), ("b", notes[3:]))
    planned = run(mode).of(StepPlanned)
    assert [e.play for e in planned] == [f"play{n}" for n in range(4)]  # type: ignore[attr-defined]
    assert not run.of(StepApplying)


class AsUser:
    """One host with two lanes, of which one has steps of two users of the host."""

    def __init__(self, folder: Path) -> None:
        other, makes, late = (Note(path=f"{folder}/{n}") for n in ("a", "b", "b"))
        rows = [("", False, other), ("lane", True, makes), ("lane", False, late)]
        self.steps = [
            HostStep(n, f"play{n}", become, BoundStep(step), lane)
            for n, (lane, become, step) in enumerate(rows)
        ]
        self.events: list[Event] = []
        clock = ChangeClock()
        connection = HostConnection(
            "node1",
            FakeTransport(),
            self.steps,
            emit=self.events.append,
            stopped=threading.Event(),
        )
        self.lanes = {
            lane: Convergence(
                connection, lane, dry=False, emit=self.events.append, clock=clock
            )
            for lane in ("", "lane")
        }

    def run(self, number: int) -> bool:
        step = self.steps[number]
        play = HostPlay(step.play, "node1", (step,), lane=step.lane)
        return self.lanes[step.lane].run(play)


def test_a_look_of_another_lane_is_not_newer_than_a_lanes_own_changes(
    tmp_path: Path,
) -> None:
    host = AsUser(tmp_path)
    assert host.run(0), "this lane looks as the login user, at the steps of both"
    assert host.run(1), "the other lane changes something as root"
    host.events.clear()
    assert host.run(2)
    assert [type(e) for e in host.events if isinstance(e, StepOk | StepChanged)] == [
        StepOk
    ]
