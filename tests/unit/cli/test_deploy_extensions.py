"""Additions to `deploy`: their options, their place in the course of it, their exit codes."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import ClassVar

import pytest
from invoke.collection import Collection
from invoke.program import Program
from place import WHERE, Place

from provision.cli import deploy
from provision.cli.extension import DeployExtension
from provision.cli.options import CommandOptions, option
from provision.cli.request import Request
from provision.errors import OptionError
from provision.model.result import Run


@dataclass(frozen=True)
class First(DeployExtension):
    """Notes what happens, and ends with the code that it is given."""

    code: str = option("0", "exit code")
    events: ClassVar[list[str]] = []

    def check(self, options: CommandOptions) -> None:
        self.events.append("check")
        if options.tags and self.code != "0":
            raise OptionError("--code contradicts --tags")

    def before(self, request: Request) -> int:
        self.events.append(f"before {request.inventory.cluster != ''}")
        return int(self.code)

    def after(self, request: Request, run: Run) -> None:
        self.events.append(f"after {run.changed} {run.exit_code}")


class Second(DeployExtension):
    """Has no options, and does nothing."""


@pytest.fixture(autouse=True)
def _no_events() -> None:
    First.events.clear()


def run(here: Place, *words: str) -> tuple[int, list[str]]:
    """Run `deploy WORDS` with both; return the exit code and what was noted."""
    command = deploy.deploy_command([First, Second])
    mine = Program(namespace=Collection(command), name="mine")
    with contextlib.chdir(here.folder), contextlib.redirect_stdout(io.StringIO()):
        try:
            mine.run(["mine", "deploy", *WHERE, *words])
        except SystemExit as ended:
            return int(ended.code or 0), First.events
    return 0, First.events


def test_it_works_before_and_after_the_deploy(here: Place) -> None:
    assert run(here) == (0, ["check", "before True", "after 4 0"])


def test_after_a_plan_it_does_nothing(here: Place) -> None:
    assert run(here, "--check") == (3, ["check", "before True"])


@pytest.mark.parametrize("more", [(), ("--check",)])
def test_its_exit_code_is_that_of_a_deploy_that_went_well(
    here: Place, more: tuple[str, ...]
) -> None:
    assert run(here, "--code", "6", *more)[0] == 6


def test_the_exit_code_of_a_deploy_that_failed_wins(here: Place) -> None:
    (here.folder / "out").rmdir()
    (here.folder / "out").write_text("in the way")
    code, events = run(here, "--code", "6")
    assert (code, events[-1]) == (2, "after 0 2")


def test_it_may_refuse_options_before_anything_is_read(here: Place) -> None:
    (here.folder / "inv.yml").unlink()
    assert run(here, "--code", "6", "--tags", "note") == (5, ["check"])


class TestOfRay:
    @pytest.fixture
    def ray(self, here: Place) -> Place:
        """A folder whose playbook called `deploy` is the tiny one."""
        notes = here.folder / "playbooks" / "notes.yml"
        (here.folder / "playbooks" / "deploy.yml").write_text(notes.read_text())
        return here

    def test_hosts_that_left_are_named_after_a_deploy_and_not_after_a_plan(
        self, ray: Place
    ) -> None:
        assert ray("deploy", "-i", "inv.yml")[0] == 0
        inventory = (ray.folder / "inv.yml").read_text()
        less = inventory.replace("two: {}", "").replace("one: {}", "three: {}")
        (ray.folder / "inv.yml").write_text(less)
        said = "left the inventory, and untouched: one and two"
        assert said not in ray("deploy", "--check")[1]
        code, output = ray("deploy")
        assert (code, said in output) == (0, True), output

    def test_another_playbook_records_no_hosts(self, ray: Place) -> None:
        assert ray("deploy", *WHERE)[0] == 0
        assert not [*ray.folder.rglob("hosts.json")]

    def test_a_prune_of_a_part_is_refused(self, ray: Place) -> None:
        code, output = ray("deploy", "--prune", "--limit", "one")
        assert (code, "--prune works on the whole inventory" in output) == (5, True)
