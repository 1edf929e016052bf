"""Counts of probes: one if nothing differs; in a batch, a few for each step."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from provision.engine.host.batch import MOST
from provision.engine.host.connection import HostConnection, HostStep
from provision.engine.host.converge import Convergence, HostPlay
from provision.model.change import Change, State
from provision.model.shell import Sh
from provision.model.step import BoundStep, Step
from provision.testing import FakeTransport

COUNTED = r"""
echo probe >>"$folder/log"
[ ! -e "$folder/$name" ] || echo text=done
"""
STEPS = 44
"""As many as a head has in a cold deploy with metrics."""


class Counted(Step, kind="counted_probe"):
    """A file whose probes are counted."""

    folder: str
    name: str

    def probe(self) -> Sh:
        return Sh(COUNTED, params={"folder": self.folder, "name": self.name})

    def desired(self) -> State:
        return {"text": "done"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        params = {"folder": self.folder, "name": self.name}
        return Sh(': >"$folder/$name"', params=params)


def converge(folder: Path, most: int = MOST) -> tuple[int, int]:
    """Converge all steps; return the number of probes, and of round trips."""
    log = folder / "log"
    log.write_text("")
    row = tuple(
        HostStep(
            number,
            "play",
            become=False,
            bound=BoundStep(Counted(folder=str(folder), name=f"step{number}")),
        )
        for number in range(STEPS)
    )
    connection = HostConnection(
        *("node1", FakeTransport(), row),
        emit=lambda event: None,
        stopped=threading.Event(),
    )
    host = Convergence(connection, dry=False, emit=lambda event: None, most=most)
    assert host.run(HostPlay("play", "node1", row))
    return len(log.read_text().splitlines()), connection.round_trips


def test_a_converged_host_is_probed_once_in_one_round_trip(tmp_path: Path) -> None:
    converge(tmp_path)
    assert converge(tmp_path) == (STEPS, 1)


def test_the_probes_of_a_cold_host_grow_with_its_steps(tmp_path: Path) -> None:
    probes, trips = converge(tmp_path)
    assert trips == 1 + 2, f"{MOST} changes in a script"
    # The look, a guard and a proof for each, and all that is ahead at the end of a script.
    assert probes <= 5 * STEPS


@pytest.mark.parametrize("most", [1])
def test_one_at_a_time_they_grow_with_the_square(tmp_path: Path, most: int) -> None:
    probes, trips = converge(tmp_path, most)
    assert trips == 1 + STEPS
    assert probes > 5 * STEPS * 4
