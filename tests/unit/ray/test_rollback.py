"""Which run is gone back from, and whether there is anything to go back to."""

from __future__ import annotations

from typing import Any

import pytest

from provision.ray.rollback import can_undo
from provision.ray.steps.rollback import latest


def host(run: str, *, kept: bool = True, **more: str) -> dict[str, Any]:
    then = {"then.created": "before"} if kept else {}
    return {"now.run": run, "now.restart": "unless-stopped", **then, **more}


def test_the_last_run_counts_and_hosts_of_earlier_ones_stay() -> None:
    head, one, other = host("r1"), host("r2"), host("r2", kept=False)
    assert latest(iter([head, one, other, {}])) == "r2"
    assert [can_undo(h, "r2") for h in (head, one, other, {})] == [
        *(False, True, False, False)
    ]


def test_a_rollback_that_was_cut_off_goes_on() -> None:
    removed = {"then.created": "before"}
    not_started = host("r1", kept=False) | {"now.restart": "no"}
    assert can_undo(removed, "r2") and can_undo(not_started, "r2")


@pytest.mark.parametrize("seen", [[], [{}]])
def test_bare_hosts_have_no_run(seen: list[dict[str, str]]) -> None:
    assert latest(iter(seen)) == ""


def test_one_that_was_finished_has_nothing_to_do() -> None:
    """What the deploy before it replaced is not gone back from as well."""
    done = host("r1", kept=False) | {"undone.run": "r2"}
    others = [host("r1"), host("r1")]
    assert latest(iter([*others, done])) == "r2"
    assert [can_undo(h, "r2") for h in (*others, done)] == [False, False, False]


def test_one_that_was_cut_off_between_hosts_goes_on() -> None:
    done = host("r1", kept=False) | {"undone.run": "r2"}
    assert latest(iter([host("r1"), done, host("r2")])) == "r2"
    assert can_undo(host("r2"), "r2")
