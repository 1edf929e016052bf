"""The commands in docs/for-agents.md can be typed as they stand; looking is read-only."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from invoke.parser import Parser

from provision.cli import namespace

PAGE = (Path(__file__).parents[4] / "docs/for-agents.md").read_text()
COMMANDS = [
    line.strip().removeprefix("invoke ")
    for line in PAGE.splitlines()
    if line.startswith("    invoke ")
]
CHANGING = {"deploy", "teardown", "rollback", "token.rotate", "run", "job.stop"}


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_one_that_can_be_typed(line: str) -> None:
    words = shlex.split(line)
    parsed = Parser(contexts=namespace().to_contexts()).parse_argv(words)
    [context] = [one for one in parsed if one.name]
    assert context.name == words[0]
    assert not parsed.unparsed
    assert context.args["inventory"].value == ["lab.yml"]


def test_a_command_that_is_not_there_is_found() -> None:
    with pytest.raises(Exception, match="nosuch"):
        Parser(contexts=namespace().to_contexts()).parse_argv(["deploy", "--nosuch"])


def test_what_only_looks_changes_nothing() -> None:
    look = PAGE.partition("## Look")[2].partition("## Change")[0]
    assert not CHANGING & {*re.findall(r"^    invoke (\S+)", look, re.MULTILINE)}


def test_what_is_never_to_be_done_names_commands_that_there_are() -> None:
    never = PAGE.partition("## Never")[2].partition("## What")[0]
    named = {*re.findall(r"`invoke ([a-z.]+)", never)}
    assert {"teardown", "rollback", "token.rotate"} <= named
    assert named <= {*namespace().task_names}


def test_the_variables_that_are_not_to_be_changed_exist() -> None:
    playbooks = Path(__file__).parents[4] / "playbooks"
    known = "".join(path.read_text() for path in playbooks.glob("*.yml"))
    never = PAGE.partition("## Never")[2].partition("Never at all")[0]
    for name in re.findall(r"`([a-z_]+)(?:: \w+)?`", never):
        assert f"\n    {name}:" in known, name


def test_each_schema_is_linked() -> None:
    folder = Path(__file__).parents[4] / "docs/schemas"
    linked = {*re.findall(r"\(schemas/([a-z.]+)\.json\)", PAGE)}
    assert linked == {path.stem for path in folder.glob("*.json")}
