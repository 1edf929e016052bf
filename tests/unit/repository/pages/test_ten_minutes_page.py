"""docs/first-ten-minutes.md has a transcript, and the terminal of the test that writes it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from start.terminal import Terminal, for_page, page_with

from provision.cli.program import namespace

PAGE = Path(__file__).parents[4] / "docs/first-ten-minutes.md"


def test_the_transcript_has_the_whole_way() -> None:
    typed = re.findall(r"^\$ (.*)$", PAGE.read_text(), re.MULTILINE)
    assert [line.split()[:2] for line in typed if not line.startswith("cat ")] == [
        ["pip", "install"],
        ["provision", "init"],
        ["provision", "deploy"],
        ["provision", "run"],
    ]


def test_each_command_of_the_page_exists() -> None:
    named = re.findall(r"\bprovision ([a-z.]+)\b", PAGE.read_text())
    assert {*named} <= {*namespace().task_names, "is"}


def test_a_transcript_is_written_between_its_marks() -> None:
    page = "a\n<!-- x begins -->\nold\n<!-- x ends -->\nb\n"
    new = page_with(page, "x", ["$ y", "z", ""])
    assert new == "a\n<!-- x begins -->\n```text\n$ y\nz\n```\n<!-- x ends -->\nb\n"
    with pytest.raises(ValueError, match="no marks of y"):
        page_with(page, "y", [])


def test_a_long_output_is_its_beginning_and_its_end() -> None:
    assert for_page("\x1b[1ma\x1b[0m \nb\n") == ["a", "b"]
    lines = for_page("".join(f"{number}\n" for number in range(100)))
    assert lines[:9] == [*map(str, range(8)), "..."]
    assert lines[9:] == [str(number) for number in range(84, 100)]


def test_a_person_at_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, os.environ)
    ask = "printf 'name? '; read name; stty -echo; printf 'word? '; read word"
    code, printed = terminal.type(
        f"{ask}; echo; echo $name has $word; exit 3", ("name?", "x"), ("word?", "y")
    )
    assert (code, printed) == (3, "name? x\nword? \nx has y\n")
    assert terminal.shown[1:] == ["name? x", "word?", "x has y", ""]


def test_a_question_that_is_not_asked_and_one_without_an_answer(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, os.environ)
    with pytest.raises(AssertionError, match="'name' was not asked"):
        terminal.type("echo hello", ("name", "x"))
    with pytest.raises(AssertionError, match=r"no end after 0\.2 s"):
        terminal.type("read word", limit_s=0.2)
