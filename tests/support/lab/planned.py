"""The law of plans, by the reports of a plan and of the deploy after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provision.engine.host.foresight import UNKNOWN
from support.lab.commands import invoke_with_report

Field = tuple[str, str, str, str]
"""Host, play, step, and the field that changes."""


def plan_and_deploy(folder: Path, *words: str) -> set[Field]:
    """Plan and deploy with the same *words*; return what was planned, and was changed.

    Args:
        folder: where the reports are written.
    """
    report = folder / "report.json"
    plan, planned = invoke_with_report("plan", *words, report=report)
    plan.expect_exit(3)
    done, changed = invoke_with_report("deploy", *words, report=report)
    done.expect_exit(0)
    assert_same(planned, changed)
    return known(planned)


def assert_same(planned: dict[str, Any], changed: dict[str, Any]) -> None:
    """The fields that one report has as planned are those that the other has as changed.

    A step of which the plan said that only an earlier one makes it known may be either.
    """
    undecided = {field[:3] for field in _fields(planned, "planned", unknown=True)}
    done = set(_fields(changed, "changed"))
    assert done, "nothing was changed"
    before, after = known(planned), {f for f in done if f[:3] not in undecided}
    only = {"only planned": before - after, "only changed": after - before}
    assert before == after, only


def known(planned: dict[str, Any]) -> set[Field]:
    """Return the fields that the plan of this report changes for certain."""
    return set(_fields(planned, "planned"))


def _fields(
    report: dict[str, Any], outcome: str, *, unknown: bool = False
) -> Iterator[Field]:
    """Yield the fields of steps with *outcome*: those that are known, or that are not."""
    for host, result in report["hosts"].items():
        for step in result["steps"]:
            for change in step["changes"] if step["outcome"] == outcome else ():
                if (change["after"] == UNKNOWN.after) is unknown:
                    yield host, step["play"], step["step"], change["field"]
