"""The table of exit codes in docs/how-a-run-works.md is that of the program."""

from __future__ import annotations

import re
from pathlib import Path

from provision import errors
from provision.cli import namespace
from provision.errors import ProvisionError
from provision.model.result import DIFFERS, INTERRUPTED, WEIGHT
from provision.ray.doctor.finding import FOUND, WARNED

DOCS = Path(__file__).parents[4] / "docs"
PAGE = DOCS / "how-a-run-works.md"
ROW = re.compile(r"\| (\d+) \| (.*) \| (.*)\|")
OURS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}


def table() -> dict[int, tuple[str, str]]:
    """The rows: meaning and errors by code."""
    text = PAGE.read_text().partition("## 7. Exit codes")[2]
    rows = [match for line in text.splitlines() if (match := ROW.fullmatch(line))]
    return {int(row[1]): (row[2], row[3]) for row in rows}


def test_it_has_each_code_that_a_run_can_end_with() -> None:
    assert {*table()} == {0, DIFFERS, INTERRUPTED, *WEIGHT}
    assert {FOUND, WARNED} <= {*table()}


def test_each_error_ends_with_the_code_of_its_row() -> None:
    named = {
        name: code
        for code, (_, names) in table().items()
        for name in re.findall(r"`(\w+)`", names)
    }
    for name, code in named.items():
        assert getattr(OURS[name], "exit_code", None) == code, name
    with_code = {
        name
        for name, kind in OURS.items()
        if issubclass(kind, ProvisionError) and "exit_code" in vars(kind)
    }
    assert with_code <= {*named}


def test_it_names_commands_that_there_are() -> None:
    known = namespace().task_names
    commands = {*known, *(alias for aliases in known.values() for alias in aliases)}
    text = PAGE.read_text().partition("## 7. Exit codes")[2].partition("If several")[0]
    words = {*re.findall(r"`([a-z.]+)`", text)} - {"provision.errors"}
    assert words <= commands, words - commands


def test_no_other_page_gives_a_code_another_meaning() -> None:
    """The table of doctor is about the same codes."""
    known = table()
    for line in (DOCS / "doctor.md").read_text().splitlines():
        if row := re.match(r"\| (\d+) \| ", line):
            assert int(row[1]) in known
