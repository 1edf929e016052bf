"""The benchmark on the lab: its commands by hand are those of the playbooks, its report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.on_lab.__main__ import report
from benchmarks.on_lab.by_hand import (
    ENGINE,
    EVERYWHERE,
    HEALTHY,
    IMAGE,
    ON_HEAD,
    Program,
)
from benchmarks.tables import Goal, Section

ROOT = Path(__file__).parents[3]
PROGRAMS = (*EVERYWHERE, *ON_HEAD)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda one: one.name)
def test_a_program_has_the_version_of_the_playbook(program: Program) -> None:
    text = (ROOT / "playbooks/metrics.yml").read_text()
    assert f"{program.name}_version: {program.version}\n" in text
    assert f"{program.name}_port: {program.port}\n" in text


def test_the_image_is_that_of_the_playbook() -> None:
    assert f"ray_image: {IMAGE}\n" in (ROOT / "playbooks/deploy.yml").read_text()


@pytest.mark.parametrize("text", [*ENGINE, HEALTHY, *(p.script for p in PROGRAMS)])
def test_what_is_typed_is_shell(text: str) -> None:
    done = subprocess.run(["sh", "-n"], input=text, text=True, check=False)
    assert done.returncode == 0


def test_the_report_has_goals_and_parts() -> None:
    part = Section("Cold", ["| a |"], [Goal("cold", 1.05, 1.1)])
    text = report(["- 2 cores"], [part], 3)
    assert text.startswith("## The lab\n")
    assert "| cold | <= 1.1 | 1.05     | met |" in text
    assert "## Cold\n\n| a |\n" in text


@pytest.mark.parametrize("words", [["--rounds", "0"], ["--only", "warm"]])
def test_bad_options_are_refused_before_anything_is_measured(words: list[str]) -> None:
    argv = [sys.executable, "-m", "benchmarks.on_lab", *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        "--only takes converged, cold, and --rounds a number from 1 on" in done.stderr
    )
