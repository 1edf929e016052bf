"""`--diff`: how texts differ that are replaced, and what of them is never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr
from rig import Rig

from provision.engine.host.text_diff import MOST_LINES
from provision.model.events import StepChanged, StepPlanned
from provision.steps.files.file import File


def step(path: Path, content: str | SecretStr, mode: str = "644") -> File:
    owner, group = str(os.geteuid()), str(os.getegid())
    return File(path=str(path), content=content, mode=mode, owner=owner, group=group)


def planned(path: Path, content: str | SecretStr, mode: str = "644") -> tuple[str, ...]:
    rig = Rig([step(path, content, mode)], dry=True, diff=True)
    assert rig.run()
    [event] = rig.of(StepPlanned)
    assert isinstance(event, StepPlanned)
    return event.diff


def test_a_plan_shows_the_lines_that_differ(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("a\nb\n")
    assert planned(path, "a\nc\n") == (
        "--- before",
        "+++ after",
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        "+c",
    )


def test_a_deploy_shows_what_it_replaced(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("a\n")
    rig = Rig([step(path, "b\n")], diff=True)
    assert rig.run()
    [event] = rig.of(StepChanged)
    assert isinstance(event, StepChanged)
    assert event.diff[-2:] == ("-a", "+b")


def test_a_new_file_is_all_new_lines_and_asks_the_host_nothing(tmp_path: Path) -> None:
    rig = Rig([step(tmp_path / "x", "a")], dry=True, diff=True)
    assert rig.run()
    [event] = rig.of(StepPlanned)
    assert isinstance(event, StepPlanned)
    assert event.diff[-2:] == ("+a", "\\ No newline at end of file")
    assert rig.trips == 1


def test_nothing_is_read_unless_it_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("a\n")
    rig = Rig([step(path, "b\n")], dry=True)
    assert rig.run()
    [event] = rig.of(StepPlanned)
    assert isinstance(event, StepPlanned)
    assert event.diff == ()
    assert rig.trips == 1


@pytest.mark.parametrize(
    ("content", "there", "wanted"),
    [
        (SecretStr("new"), "644", "644"),
        ("new", "600", "644"),
        ("new", "644", "640"),
    ],
)
def test_what_may_be_a_secret_is_never_shown(
    tmp_path: Path, content: str | SecretStr, there: str, wanted: str
) -> None:
    path = tmp_path / "x"
    path.write_text("the old one")
    path.chmod(int(there, 8))
    [line] = planned(path, content, wanted)
    assert line.startswith("(not shown: ")


def test_other_changes_have_no_diff(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("a\n")
    path.chmod(0o644)
    assert planned(path, "a\n", mode="755") == ()


def test_what_is_not_text_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\x80\xff\n")
    path.chmod(0o644)
    assert planned(path, "a\n") == ("(not shown: it is not text)",)


def test_a_long_diff_is_cut(tmp_path: Path) -> None:
    lines = planned(tmp_path / "x", "a\n" * 999)
    assert len(lines) == MOST_LINES + 1
    assert lines[-1] == "... and 802 lines more"
