"""A script that is killed at any place inside a batch: what is told is what was done.

The shell kills itself, as the kernel does when memory is short, or as a reboot would: in a
probe, in a change, in a wait. The next run then finishes the job.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from shells import EACH_SHELL

from provision.engine.host.connection import HostConnection, HostStep
from provision.engine.host.converge import Convergence, HostPlay
from provision.model.change import Change, State
from provision.model.events import Event, StepChanged, StepFailed, StepOk
from provision.model.shell import Sh
from provision.model.step import BoundStep, Step
from provision.testing import FakeTransport

PLACE = r"""
at=$(($(cat "$folder/at") + 1))
echo "$at" >"$folder/at"
[ "$at" != "$(cat "$folder/killed_at")" ] || kill -9 $$
"""
PROBE = PLACE + r"""[ ! -e "$folder/$name.done" ] || echo text=done"""
CHANGE = (
    PLACE
    + r"""(sleep "$late"; : >"$folder/$name.done") >/dev/null 2>&1 &
[ "$late" != 0 ] || wait
"""
    + PLACE
)
NEVER = "0"


class Killed(Step, kind="killed"):
    """A file that is made now or later, by a shell that may kill itself."""

    title_format = "{name}"

    folder: str
    name: str
    late: float = 0

    def probe(self) -> Sh:
        return Sh(PROBE, params={"folder": self.folder, "name": self.name})

    def desired(self) -> State:
        return {"text": "done"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        late = f"{self.late:g}"
        params = {"folder": self.folder, "name": self.name, "late": late}
        return Sh(CHANGE, params=params)


def run(folder: Path, shell: tuple[str, ...]) -> tuple[bool, list[Event], int]:
    """Converge three steps, of which the second settles; return all that happened."""
    steps = [
        Killed(folder=str(folder), name="a"),
        Killed(folder=str(folder), name="b", late=0.05, settle_s=60),
        Killed(folder=str(folder), name="c"),
    ]
    row = tuple(
        HostStep(number, "play", become=False, bound=BoundStep(step))
        for number, step in enumerate(steps)
    )
    events: list[Event] = []
    connection = HostConnection(
        "node1",
        FakeTransport(shell=shell),
        row,
        emit=events.append,
        stopped=threading.Event(),
    )
    host = Convergence(connection, dry=False, emit=events.append)
    (folder / "at").write_text("0")
    good = host.run(HostPlay("play", "node1", row))
    return good, events, int((folder / "at").read_text())


def named(events: Sequence[Event], *kinds: type[Event]) -> list[str]:
    return [event.step for event in events if isinstance(event, kinds)]  # type: ignore[attr-defined]


@EACH_SHELL
@pytest.mark.parametrize("place", range(4, 12))
def test_a_script_that_is_killed_anywhere_inside_a_batch(
    tmp_path: Path, shell: tuple[str, ...], place: int
) -> None:
    # The first three places are the probes of the first look.
    (tmp_path / "killed_at").write_text(str(place))
    good, events, _ = run(tmp_path, shell)
    done = named(events, StepChanged, StepOk)
    assert done == ["a", "b", "c"][: len(done)]
    for name in named(events, StepChanged):
        assert (tmp_path / f"{name}.done").exists(), "told only of what is there"
    failed = named(events, StepFailed)
    assert good == (not failed)
    assert failed in ([], ["a", "b", "c"][len(done) : len(done) + 1])
    (tmp_path / "killed_at").write_text(NEVER)
    again, after, _ = run(tmp_path, shell)
    assert again
    assert named(after, StepChanged, StepOk) == ["a", "b", "c"]
    left = sorted(path.name for path in tmp_path.glob("*.done"))
    assert left == ["a.done", "b.done", "c.done"]


@EACH_SHELL
def test_these_places_are_in_a_batch(tmp_path: Path, shell: tuple[str, ...]) -> None:
    (tmp_path / "killed_at").write_text(NEVER)
    good, events, places = run(tmp_path, shell)
    assert good
    assert named(events, StepChanged) == ["a", "b", "c"]
    assert places >= 12
