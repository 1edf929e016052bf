"""A run's sum says what happened, and its exit code what a script should think of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provision.errors import (
    ApplyError,
    ConnectError,
    LockHeldError,
    ProvisionError,
    RefusedError,
)
from provision.model.change import Change
from provision.model.events import (
    Cause,
    Event,
    HostBlocked,
    HostDone,
    HostFailed,
    RunEnded,
    RunStarted,
    StepChanged,
    StepFailed,
    StepOk,
    StepPlanned,
    Warned,
)
from provision.model.mode import Mode
from provision.model.result import Run

MODE = Change("mode", "700", "755")
ABOUT: dict[str, Any] = {"host": "node1", "play": "base", "step": "directory /data"}


def run_of(*events: Event) -> Run:
    run = Run()
    run(RunStarted(mode=Mode.APPLY, cluster="lab", steps={"node1": 3, "node2": 3}))
    for event in events:
        run(event)
    return run


def failed(error: ProvisionError, host: str = "node1") -> Event:
    return HostFailed(host=host, error=error)


def test_each_outcome_is_counted_once() -> None:
    run = run_of(
        StepOk(**ABOUT),
        StepChanged(**ABOUT, changes=(MODE,), seconds=1.5),
        StepFailed(**ABOUT, error=ApplyError("no")),
        HostBlocked(
            host="node1",
            play="head",
            by=Cause("node1 in base", "node1", "base"),
            steps=2,
        ),
        HostDone(host="node1", round_trips=3, seconds=2.0),
    )
    host = run.hosts["node1"]
    assert (host.ok, host.changed, host.failed, host.blocked) == (1, 1, 1, 2)
    assert (host.round_trips, host.seconds, host.blocked_by) == (
        3,
        2.0,
        "node1 in base",
    )
    assert run.hosts["node2"].failed == 0
    assert host.as_dict()["not_run"] == [
        {"play": "head", "steps": 2, "by": "node1 in base"}
    ]


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([StepOk(**ABOUT)], 0),
        ([StepPlanned(**ABOUT, changes=(MODE,))], 3),
        ([failed(ConnectError("gone"))], 4),
        ([failed(ConnectError("gone")), failed(RefusedError("no"), "node2")], 2),
        ([StepPlanned(**ABOUT, changes=(MODE,)), failed(RefusedError("no"))], 2),
        ([failed(LockHeldError("held"))], 6),
        ([failed(ProvisionError("internal error"))], 1),
        ([failed(ApplyError("x")), RunEnded(seconds=1, interrupted=True)], 130),
    ],
)
def test_the_exit_code_follows_the_worst_that_happened(
    events: list[Event], code: int
) -> None:
    assert run_of(*events).exit_code == code


def test_the_report_is_json_with_changes_and_errors() -> None:
    run = run_of(
        Warned(message="clock is off"),
        StepChanged(**ABOUT, changes=(MODE,), seconds=1.5),
        StepFailed(**ABOUT, error=ApplyError("no", hint="do", details=["line"])),
        RunEnded(seconds=9.0),
    )
    report = json.loads(json.dumps(run.as_dict()))
    changed, bad = report["hosts"]["node1"]["steps"]
    assert changed["changes"] == [{"field": "mode", "before": "700", "after": "755"}]
    assert bad["error"] == {
        "type": "ApplyError",
        "message": "no",
        "hint": "do",
        "details": ["line"],
    }
    assert (report["seconds"], report["warnings"]) == (9.0, ["clock is off"])


def test_errors_are_listed_by_host() -> None:
    error = ApplyError("no")
    run = run_of(StepFailed(**ABOUT, error=error))
    assert run.errors == {"node1": [error]}
