"""A lost connection, a refusal and the end of the run: nothing is changed unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from rig import Note, Rig

from provision.engine.host.connection import LOSSES
from provision.errors import ConnectionLost, PrivilegeError
from provision.model.events import (
    Event,
    HostBlocked,
    HostFailed,
    HostRetrying,
    StepApplying,
    StepFailed,
)


@pytest.mark.parametrize("before", [True, False])
def test_after_a_lost_connection_it_probes_before_it_changes(
    notes: list[Note], before: bool
) -> None:
    rig = Rig(notes[:2])
    rig.transport.fail(ConnectionLost("cut"), at=2, ran=not before)
    assert rig.run()
    [retry] = rig.of(HostRetrying)
    assert isinstance(retry, HostRetrying)
    assert (retry.attempt, retry.most, retry.lost) == (1, LOSSES, True)
    applied = [event.step for event in rig.of(StepApplying)]  # type: ignore[attr-defined]
    assert len(applied) == (3 if before else 2), (
        "a change that got through is not redone"
    )


def test_a_host_that_is_lost_again_and_again_is_given_up(notes: list[Note]) -> None:
    rig = Rig(notes)
    rig.transport.fail(ConnectionLost("cut"))
    assert not rig.run()
    [failed] = rig.of(HostFailed)
    assert isinstance(failed.error, ConnectionLost)  # type: ignore[attr-defined]


def test_refused_root_rights_fail_the_host_not_a_step(notes: list[Note]) -> None:
    rig = Rig(notes)
    rig.transport.fail(PrivilegeError("sudo refused"))
    assert not rig.run()
    assert rig.of(HostFailed) and not rig.of(StepFailed)


def test_an_interrupted_run_starts_no_change(notes: list[Note], tmp_path: Path) -> None:
    rig = Rig(notes)
    rig.stopped.set()
    assert not rig.run()
    assert list(tmp_path.iterdir()) == []


def test_a_step_cut_off_by_the_end_of_the_run_is_reported_as_that(
    notes: list[Note],
) -> None:
    rig = Rig(notes)

    def stop(event: Event) -> None:
        if isinstance(event, StepApplying):
            rig.stopped.set()

    rig.seen = stop
    rig.transport.fail(ConnectionLost("cut"), at=2)
    assert not rig.run()
    assert not rig.of(HostFailed), "the host is not to blame"
    [failed] = rig.of(StepFailed)
    assert "cut off by the end of the run" in str(failed.error)  # type: ignore[attr-defined]
    [blocked] = rig.of(HostBlocked)
    assert blocked.steps == 3  # type: ignore[attr-defined]
