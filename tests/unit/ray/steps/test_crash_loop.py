"""A node whose container ends again and again is not waited for."""

from __future__ import annotations

from typing import Any

import pytest

from provision.ray.steps.node.roles import RayHead, RayWorker

NODE = {
    "cluster": "lab",
    "image": "rayproject/ray:2.60.0",
    "address": "10.0.0.2",
    "data_dir": "/var/lib/x",
}
WORKER = RayWorker.model_validate(NODE | {"head": "10.0.0.1"})
HEAD = RayHead.model_validate(NODE)
LOOP = {"status": "restarting", "restarts": "3"}
NO_HEAD = {"health": "cannot reach the head at 10.0.0.1:6379"}


@pytest.mark.parametrize(
    ("step", "first", "now", "given_up"),
    [
        (WORKER, {}, LOOP, True),
        (WORKER, {}, LOOP | {"restarts": "2"}, False),
        # One that has been there for months and had its troubles.
        (WORKER, LOOP | {"restarts": "7"}, LOOP | {"restarts": "8"}, False),
        (WORKER, {"status": "running"}, {"status": "running"}, False),
        # It ends again and again until the head is there.
        (WORKER, {}, LOOP | NO_HEAD, False),
        # What the head cannot reach is itself.
        (HEAD, {}, LOOP | NO_HEAD, True),
    ],
)
def test_a_crash_loop_is_told_from_a_start(
    step: Any, first: dict[str, str], now: dict[str, str], given_up: bool
) -> None:
    why = step.hopeless(first, now)
    assert bool(why) is given_up
    assert not why or "has ended 3 times" in why


def test_restarts_of_long_ago_are_no_difference() -> None:
    assert WORKER.plan({**WORKER.desired(), "restarts": "9"}) == []
    assert (
        WORKER.plan({**WORKER.desired(), "restarts": "9", "restarted_lately": "false"})
        == []
    )


FLAPS = {"restarts": "9", "restarted_lately": "true"}


@pytest.mark.parametrize("step", [WORKER, HEAD])
@pytest.mark.parametrize("keep_usable", [True, False])
def test_a_node_that_ends_all_the_time_is_a_difference_though_it_is_healthy(
    step: Any, keep_usable: bool
) -> None:
    step = step.model_copy(update={"keep_usable": keep_usable})
    changes = step.plan({**step.desired(), **FLAPS})
    assert [str(change) for change in changes] == ["restarts: 9 -> 0"]
    assert (
        step.put_back({**step.desired(), **FLAPS}, changes).params["goes_back"]
        == "false"
    )


def test_a_worker_that_waits_for_its_head_has_that_as_its_difference() -> None:
    state = {**WORKER.desired(), **FLAPS, **NO_HEAD}
    assert [change.field for change in WORKER.plan(state)] == ["health"]
    head = HEAD.plan({**HEAD.desired(), **FLAPS, **NO_HEAD})
    assert [change.field for change in head] == ["health", "restarts"]
