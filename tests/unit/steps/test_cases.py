"""Golden cases: what a host's reply means to a step, and exactly what is then sent.

A new file is a new case; `python -m provision.testing record tests/cases` completes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest

from provision.config.registry import kinds
from provision.testing import Case, check_case, load_cases

CASES = load_cases(Path(__file__).parents[2] / "cases")
FEWEST = 2


@dataclass(frozen=True)
class Proof:
    """A test that shows what the host does in *cases*, which all send the same.

    Attributes:
        cases: those of the kind that send what another of them sends.
        test: its file and its name.
    """

    cases: set[str]
    test: str


HOST_DECIDES = {
    "archive": Proof(
        {"absent", "full-and-unpacked"},
        "shell/files/test_archive.py"
        "::test_two_versions_are_kept_and_going_back_needs_no_network",
    ),
    "directory": Proof(
        {"absent", "other-rights"},
        "shell/files/test_files.py::test_special_bits_come_and_go",
    ),
    "ray_source": Proof(
        {"absent", "another-commit"},
        "shell/source/test_source_environments.py"
        "::test_sources_come_over_the_wheel_and_change_and_go_back",
    ),
    "docker_container": Proof(
        {"absent", "edited"},
        "shell/docker/test_container.py::test_one_that_is_there_is_replaced",
    ),
    "file": Proof(
        {"absent", "other-content"},
        "shell/files/test_files.py::test_a_changed_file_is_replaced_in_one_piece",
    ),
    "gpus_seen": Proof(
        {
            "fallen-off-the-bus",
            "lost-in-container",
            "nvidia-smi-hangs",
            "no-container",
            "ray-counts-none",
        },
        "shell/gpu/test_gpus_seen.py::test_what_the_container_says_is_compared",
    ),
    "ray_dashboards": Proof(
        {"absent", "other-image"},
        "shell/ray/test_dashboards.py::test_dashboards_of_another_ray_are_a_difference",
    ),
    "ray_firewall": Proof(
        {"absent", "flushed", "opened"},
        "shell/ray/test_firewall_rules.py::test_what_is_loaded_is_what_is_desired",
    ),
    "ray_nodes": Proof(
        {"no-answer", "one-dead", "former-node"},
        "shell/ray/test_ray_http.py::test_a_dashboard_that_does_not_answer_has_no_nodes",
    ),
    "ray_previous": Proof(
        {"cut-off-before-rename", "does-not-work", "in-turn"},
        "shell/ray/test_node_replacement.py"
        "::test_a_rollback_interrupted_anywhere_is_finished_by_the_next",
    ),
    "service": Proof(
        {"absent", "failed", "not-listening", "crash-loop"},
        "lab/test_steps.py"
        "::test_a_service_that_does_not_stay_up_fails_with_its_journal",
    ),
    "nfs_export": Proof(
        {"absent", "another-client"},
        "shell/mounts/test_nfs_export.py::test_a_client_is_added_to_what_is_exported",
    ),
    "ray_shared_written": Proof(
        {"absent", "hangs"},
        "shell/mounts/test_shared_folders.py::test_a_folder_that_does_not_answer_is_said",
    ),
    "user": Proof(
        {"absent", "other-shell"},
        "shell/system/test_users.py::test_one_who_is_there_is_changed",
    ),
}
"""Kinds that send the same for different changes: the host makes the difference."""


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
    found = {
        one.path.stem for pair in combinations(cases, 2) if alike(*pair) for one in pair
    }
    assert found == (HOST_DECIDES[kind].cases if kind in HOST_DECIDES else set())


@pytest.mark.parametrize("kind", HOST_DECIDES)
def test_where_the_host_decides_a_test_shows_it(kind: str) -> None:
    file, _, test = HOST_DECIDES[kind].test.partition("::")
    text = (Path(__file__).parents[2] / file).read_text()
    assert f"def {test}(" in text
