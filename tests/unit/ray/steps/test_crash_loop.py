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


def test_restarts_are_no_difference() -> None:
    assert WORKER.plan({**WORKER.desired(), "restarts": "9"}) == []
