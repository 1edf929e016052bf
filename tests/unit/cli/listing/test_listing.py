"""The list of commands, in groups, and the page that is made of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from place import Place

from provision import cli
from provision.cli.listing.groups import GROUPS, OTHERS, grouped
from provision.cli.listing.reference import reference

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs/commands.md"


def test_each_command_of_ours_is_in_one_group_and_nothing_else_is() -> None:
    named = [name for words in GROUPS.values() for name in words.split()]
    assert sorted(named) == sorted(cli.namespace().task_names)


def test_a_command_of_another_package_is_listed_too() -> None:
    assert grouped({"deploy": [], "made.up": []}) == {
        "The cluster": ["deploy"],
        OTHERS: ["made.up"],
    }


@pytest.mark.parametrize("program", ["provision", "invoke"])
def test_both_programs_list_groups(here: Place, program: str) -> None:
    if program == "provision":
        shown = here("--list")[1]
    else:
        done = subprocess.run(
            [sys.executable, "-m", "invoke", "--list"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        shown = done.stdout
        assert f"\n{OTHERS}:\n" in shown and "bench" in shown
    headings = [line for line in shown.splitlines() if line.rstrip(":") in GROUPS]
    assert headings == [f"{heading}:" for heading in GROUPS]
    lines = [line.split()[0] for line in shown.splitlines() if line[:2] == "  "]
    assert {"deploy", "images", "images.prune", "lab.up"} <= {*lines}
    assert lines.index("init") < lines.index("plan") < lines.index("deploy")


def test_a_group_of_commands_can_be_listed_alone(here: Place) -> None:
    code, shown = here("--list", "lab")
    assert code == 0
    assert ".up" in shown and "teardown" not in shown


def test_a_group_s_name_is_its_default_command(here: Place) -> None:
    assert here("images", "--help")[1] == here("images.list", "--help")[1]


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    made = reference(cli.namespace())
    assert PAGE.read_text("utf-8") == made, "run `invoke reference`"
    for name in ("images.prune", "deploy", "commit"):
        assert f"### {name}\n" in made
    assert "```sh\ninvoke history\n" in made
