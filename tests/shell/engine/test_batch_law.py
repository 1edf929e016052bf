"""The law of batches: they change what one step at a time would have, in the same order.

Steps create, break and mend each other's state, for real, in a shell of this machine.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from shells import EACH_SHELL

from provision.engine.host.batch import MOST
from provision.engine.host.connection import HostConnection, HostStep
from provision.engine.host.converge import Convergence, HostPlay
from provision.model.change import Change, State
from provision.model.events import (
    Event,
    HostEvent,
    HostProbed,
    StepEvent,
    StepOutdated,
    StepWaiting,
)
from provision.model.shell import Reply, Sh
from provision.model.step import BoundStep, Settled, Step, Thing, lines_of
from provision.testing import FakeTransport

PROBE = """[ ! -e "$place/$cell" ] || printf 'text=%s\\n' "$(cat "$place/$cell")\""""
PROBE_ALL = """for cell; do [ ! -e "$cell" ] || printf '%s=%s\\n' "$cell" "$(cat "$cell")"; done"""
CHANGE = """echo "begin $wanted in $cell"
[ ! -e "$place/$fails_with" ] || { echo "there is a $fails_with" >&2; exit 3; }
printf %s "$wanted" >"$place/$cell"
[ -z "$spoils" ] || printf spoiled >"$place/$spoils"
[ -z "$removes" ] || rm -f "$place/$removes"
[ -z "$mends" ] || printf %s "$wanted" >"$place/$mends"
echo end"""
NOTE = """printf '%s\\n' "$line" >>"$log\""""
CELLS = ("a", "b", "c", "d")
LATE = """case $settles in
late) rm -f "$place/$cell"; (sleep 0.05; printf %s "$wanted" >"$place/$cell") >/dev/null 2>&1 & ;;
worse) printf spoiled >"$place/$cell" ;;
esac"""
EXAMPLES = 30


class Cell(Step, kind="cell"):
    """A file with a text; to write it has effects on others."""

    title_format = "{cell}={text}"

    place: str
    cell: str
    text: str
    spoils: str = ""
    removes: str = ""
    mends: str = ""
    fails_with: str = "nothing"

    def probe(self) -> Sh:
        return Sh.of(PROBE, place=self.place, cell=self.cell)

    @property
    def thing(self) -> Thing:
        return f"cell:{self.cell}"

    def desired(self) -> State:
        return {"text": self.text}

    def apply(self, changes: Sequence[Change]) -> Sh:
        names = ("place", "cell", "spoils", "removes", "mends", "fails_with")
        params = {name: getattr(self, name) for name in names}
        return Sh.of(CHANGE, wanted=self.text, **params)


class Opaque(Cell, kind="opaque"):
    """A cell of which only the controller can tell whether it is as it should be."""

    def plan(self, observed: State) -> list[Change]:
        return super().plan(observed)


class Merged(Cell, kind="merged"):
    """A cell that is probed together with others of its kind."""

    @property
    def _path(self) -> str:
        return f"{self.place}/{self.cell}"

    def probe(self) -> Sh:
        return Sh.mergeable_probe(PROBE_ALL, self._path)

    def observe(self, reply: Reply) -> State:
        found = super().observe(reply)
        return {"text": found[self._path]} if self._path in found else {}

    def settled(self) -> Settled | None:
        return Settled(((f"{self._path}={self.text}",),))


class Slow(Cell, kind="slow"):
    """A cell that gets its text some time after its change, never, or another one."""

    settles: str = "late"
    settle_s: float = 60

    def apply(self, changes: Sequence[Change]) -> Sh:
        params = {"place": self.place, "cell": self.cell, "settles": self.settles}
        return Sh.of(LATE, wanted=self.text, **params)

    def hopeless(self, first: State, now: State) -> str:
        return "it is spoiled" if now.get("text") == "spoiled" else ""

    def wait_ends(self) -> tuple[Settled, ...]:
        return Settled(lines_of(self.desired())), Settled((("text=spoiled",),))


class SlowAndOpaque(Slow, kind="slow_and_opaque"):
    """A slow cell of which only the controller can tell when it is as it should be."""

    def plan(self, observed: State) -> list[Change]:
        return super().plan(observed)

    def wait_ends(self) -> tuple[Settled, ...]:
        return ()


class Check(Cell, kind="check_cell"):
    """A check that a cell has a text, which does not wait for it."""

    checks_only = True


@st.composite
def slow_steps(draw: Any, place: str, cell: str, text: str) -> Step:
    """Return a step that settles, or does not."""
    settles = draw(st.sampled_from(["late", "late", "worse", "never"]))
    kind: type[Slow] = draw(st.sampled_from([Slow, Slow, SlowAndOpaque]))
    settle_s = 0.1 if settles == "never" else 60
    return kind(place=place, cell=cell, text=text, settles=settles, settle_s=settle_s)


@st.composite
def steps(draw: Any, place: str) -> list[Step]:
    """Return up to ten steps about four cells, with effects on each other."""
    cell = st.sampled_from(CELLS)
    maybe = st.one_of(st.just(""), st.just(""), cell)
    found: list[Step] = []
    for _ in range(draw(st.integers(2, 10))):
        kind = draw(st.sampled_from([Cell, Cell, Merged, Merged, Opaque, Check, Slow]))
        own, text = draw(cell), draw(st.sampled_from(["one", "two"]))
        if kind is Slow:
            found.append(draw(slow_steps(place, own, text)))
            continue
        found.append(
            kind(
                place=place,
                cell=own,
                text=text,
                spoils=draw(st.one_of(maybe, st.just(own))),
                removes=draw(maybe),
                mends=draw(maybe),
                fails_with=draw(st.sampled_from(["nothing", "nothing", "c", "d"])),
            )
        )
    return found


class Outcome:
    """Events, notes and files of a run of *plays* with *most* changes in a script."""

    def __init__(
        self, place: Path, shell: tuple[str, ...], plays: list[list[Step]], most: int
    ) -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        log = place.with_name("log")
        log.write_text("")
        transport = FakeTransport(shell=shell)
        events: list[Event] = []
        every: list[HostStep] = []
        host_plays = []
        for number, row in enumerate(plays):
            own = tuple(
                HostStep(n, f"play{number}", become=False, bound=BoundStep(step))
                for n, step in enumerate(row, start=len(every))
            )
            every += own
            host_plays.append(HostPlay(f"play{number}", "node1", own))

        def notes(bound: BoundStep, changes: Sequence[Change]) -> tuple[Sh, ...]:
            line = f"{bound.label}: {', '.join(map(str, changes))}"
            return (Sh.of(NOTE, line=line, log=str(log)),)

        connection = HostConnection(
            *("node1", transport, every), emit=events.append, stopped=threading.Event()
        )
        host = Convergence(
            connection, dry=False, emit=events.append, notes=notes, most=most
        )
        self.gone_on = 0

        def go_on() -> None:
            self.gone_on += 1

        if most > 1:
            self.good = host.run(*host_plays, go_on=go_on)
        else:
            self.good = self._one_after_another(host, host_plays)
        self.trips = connection.round_trips
        self.events = [told(event) for event in events if counts(event)]
        self.log = log.read_text()
        self.left = {file.name: file.read_text() for file in place.iterdir()}

    def _one_after_another(self, host: Convergence, plays: Sequence[HostPlay]) -> bool:
        for number, play in enumerate(plays):
            self.gone_on = number
            if not host.run(play):
                return False
        return True


def counts(event: Event) -> bool:
    """Tell whether *event* is the same however changes are sent."""
    return not isinstance(event, HostProbed | StepOutdated | StepWaiting)


def told(event: Event) -> tuple[Any, ...]:
    """Return what *event* tells, without times."""
    fields = {k: v for k, v in vars(event).items() if k not in {"at_s", "seconds"}}
    if "error" in fields:
        fields["error"] = (
            str(fields["error"]),
            getattr(fields["error"], "details", ()),
        )
    step = event.step if isinstance(event, StepEvent) else ""
    host = event.host if isinstance(event, HostEvent) else ""
    return (type(event).__name__, host, step, sorted(map(str, fields.items())))


@EACH_SHELL
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_batches_do_what_single_changes_do(
    tmp_path_factory: pytest.TempPathFactory, shell: tuple[str, ...], data: Any
) -> None:
    place = tmp_path_factory.mktemp("law") / "cells"
    plays = [data.draw(steps(str(place))), data.draw(steps(str(place)))]
    single = Outcome(place, shell, plays, 1)
    batches = Outcome(place, shell, plays, MOST)
    assert batches.events == single.events
    assert batches.log == single.log
    assert batches.left == single.left
    assert (batches.good, batches.gone_on) == (single.good, single.gone_on)
    assert batches.trips <= single.trips


@EACH_SHELL
def test_steps_that_leave_each_other_alone_go_in_one_script(
    tmp_path: Path, shell: tuple[str, ...]
) -> None:
    place = tmp_path / "cells"
    row: list[Step] = [
        Cell(place=str(place), cell=f"cell{n}", text="one") for n in range(12)
    ]
    assert Outcome(place, shell, [row], 1).trips == 13
    assert Outcome(place, shell, [row], MOST).trips == 2


@EACH_SHELL
def test_plays_that_follow_each_other_go_in_one_script(
    tmp_path: Path, shell: tuple[str, ...]
) -> None:
    place = tmp_path / "cells"
    plays: list[list[Step]] = [
        [Cell(place=str(place), cell=f"{play}{n}", text="one") for n in range(3)]
        for play in "abc"
    ]
    single, batch = (Outcome(place, shell, plays, most) for most in (1, MOST))
    assert batch.events == single.events
    assert (single.trips, batch.trips) == (10, 2)
    assert batch.gone_on == 2
    plays[1][1] = Cell(place=str(place), cell="b1", text="one", fails_with="a0")
    single, batch = (Outcome(place, shell, plays, most) for most in (1, MOST))
    assert batch.events == single.events
    assert (batch.good, batch.gone_on) == (False, 1)
    assert sorted(batch.left) == ["a0", "a1", "a2", "b0"]


@EACH_SHELL
def test_a_change_that_fails_is_the_last_and_names_its_step(
    tmp_path: Path, shell: tuple[str, ...]
) -> None:
    place = tmp_path / "cells"
    row: list[Step] = [
        Cell(place=str(place), cell=f"cell{n}", text="one") for n in range(5)
    ]
    row[3] = Cell(place=str(place), cell="cell3", text="one", fails_with="cell2")
    single, batch = (Outcome(place, shell, [row], most) for most in (1, MOST))
    assert batch.events == single.events
    assert sorted(batch.left) == ["cell0", "cell1", "cell2"]
    failed = batch.events[-2]
    assert failed[0] == "StepFailed"
    assert failed[2] == "cell3=one"
    assert "there is a cell2" in str(failed)


@EACH_SHELL
def test_what_settles_is_waited_for_within_a_script(
    tmp_path: Path, shell: tuple[str, ...]
) -> None:
    place = tmp_path / "cells"
    row: list[Step] = [
        Slow(place=str(place), cell="a", text="one"),
        Cell(place=str(place), cell="b", text="one"),
        Slow(place=str(place), cell="c", text="one"),
    ]
    assert Outcome(place, shell, [row], MOST).trips == 2


@EACH_SHELL
def test_one_whose_state_is_foreseen_goes_in_the_same_script(
    tmp_path: Path, shell: tuple[str, ...]
) -> None:
    place = tmp_path / "cells"
    row: list[Step] = [
        Cell(place=str(place), cell="a", text="one"),
        Cell(place=str(place), cell="a", text="two"),
    ]
    single, batch = (Outcome(place, shell, [row], most) for most in (1, MOST))
    assert batch.events == single.events
    assert batch.left == {"a": "two"}
    assert (single.trips, batch.trips) == (3, 2)


@EACH_SHELL
def test_a_hopeless_state_ends_the_wait_early(
    tmp_path: Path, shell: tuple[str, ...]
) -> None:
    place = tmp_path / "cells"
    spoiled = Slow(place=str(place), cell="a", text="one", settles="worse")
    row: list[Step] = [spoiled, Cell(place=str(place), cell="b", text="one")]
    batch = Outcome(place, shell, [row], MOST)
    assert "it is spoiled" in str(batch.events)
    assert batch.trips == 2, "its wait would have taken a minute"
    assert batch.left == {"a": "spoiled"}
