"""Golden cases: what a host's reply means to a step, and exactly what is then sent.

A new file is a new case; `python -m provision.testing record tests/cases` completes it.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from provision.config.registry import kinds
from provision.testing import Case, check_case, load_cases

CASES = load_cases(Path(__file__).parents[2] / "cases")
FEWEST = 2
HOST_DECIDES = {
    "directory": "each of type, owner and mode is set where it differs",
    "docker_container": "a container that is there is removed first",
    "file": "the file is written anew, whatever was there",
    "ray_dashboards": "all files are copied anew",
    "ray_firewall": "the chain is filled anew, whatever was in it",
    "ray_nodes": "it only waits",
    "ray_previous": "the names of the containers on the host tell where it was cut off",
    "service": "the service is enabled and started, whatever it did before",
    "user": "getent tells if the user is to be made or to be changed",
}
"""Kinds that send the same for different changes, and what makes the difference."""


def alike(case: Case, other: Case) -> bool:
    """Tell whether two cases of a kind send the same for different changes."""
    same = (case.probe, case.apply) == (other.probe, other.apply)
    return bool(case.apply) and same and case.changes != other.changes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_golden_case_holds(case: Case) -> None:
    check_case(case)


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_golden_cases(kind: str) -> None:
    found = [case for case in CASES if case.step.kind == kind]
    assert len(found) >= FEWEST, f"add {FEWEST} cases: tests/cases/{kind}/*.yml"


@pytest.mark.parametrize("kind", kinds())
def test_different_changes_send_something_different(kind: str) -> None:
    cases = [case for case in CASES if case.step.kind == kind]
    pairs = [
        (case.name, other.name)
        for case, other in combinations(cases, 2)
        if alike(case, other)
    ]
    assert kind in HOST_DECIDES or pairs == []
