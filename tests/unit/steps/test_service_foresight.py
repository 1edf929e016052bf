"""A plan foresees of a service what earlier steps of it and of its files leave behind."""

from __future__ import annotations

from provision.model.change import Change
from provision.steps.files.foresight import at
from provision.steps.services.service import Service, ServiceAbsent

RUNS = {"running": "true", "boot": "true", "files": "current", "compared": "contents"}
UNIT = "/etc/systemd/system/x.service"


def test_a_unit_file_that_is_not_among_its_files_is_no_reason_for_a_restart() -> None:
    written = {at(UNIT): {"content": "new"}}
    step = Service(name="x", files=("/etc/x",))
    assert step.plan(step.foresee(RUNS, written) or {}) == []
    with_unit = Service(name="x", files=("/etc/x", UNIT))
    assert with_unit.plan(with_unit.foresee(RUNS, written) or {}) == [
        Change("files", "outdated", "current")
    ]


def test_a_service_that_an_earlier_step_restarts_is_removed_as_one_that_runs() -> None:
    restarted = Service(name="x", files=("/etc/x",))
    written = restarted.writes([Change("files", "outdated", "current")])
    step = ServiceAbsent(name="x")
    foreseen = step.foresee({"running": "true", "boot": "true"}, written)
    assert foreseen == {"running": "true", "boot": "true"}


def test_a_service_that_an_earlier_step_stops_is_nothing_to_end() -> None:
    stopped = Service(name="x", running=False, boot=False)
    written = stopped.writes(
        [Change("running", "true", "false"), Change("boot", "true", "false")]
    )
    assert ServiceAbsent(name="x").foresee({"running": "true"}, written) == {}
