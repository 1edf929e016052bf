"""Recording writes what is sent into a case, and touches nothing else of its file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from provision.testing import record_case
from provision.testing.__main__ import main

CASE = """\
# the user is there
params: {name: ops}  # a short name

# as getent of glibc 2.36 prints it
reply: ops.uid=2000
changes:
- 'uid: 2000 -> (absent)'
"""
WRONG = """\
apply:
  text: userdel -r -- "$name"
  # of the old way
  params: {name: ops}

# what the user has
state: {uid: '2000'}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "user_absent/there.yml"
    path.parent.mkdir()
    path.write_text(CASE)
    return path


def test_what_is_missing_is_added_at_the_end(path: Path) -> None:
    assert record_case(path)
    text = path.read_text()
    assert text.startswith(CASE)
    added = yaml.safe_load(text.removeprefix(CASE))
    assert added["apply"] == {"text": 'userdel -- "$name"', "params": {"name": "ops"}}
    assert added["probe"]["args"] == ["ops"]


def test_what_is_wrong_is_replaced_where_it_is(path: Path) -> None:
    path.write_text(CASE + WRONG)
    assert record_case(path)
    text = path.read_text()
    before, _, after = text.removeprefix(CASE).partition("\n\n# what the user has\n")
    assert before == 'apply:\n  text: userdel -- "$name"\n  params:\n    name: ops'
    assert after.startswith("state: {uid: '2000'}\nprobe:\n")


def test_what_is_right_stays_as_it_was_written(path: Path) -> None:
    right = WRONG.replace("userdel -r", "userdel")
    path.write_text(CASE + right)
    assert record_case(path)
    assert path.read_text().startswith(CASE + right)
    assert not record_case(path), "the second time there is nothing to write"


def test_what_is_no_longer_sent_is_removed(path: Path) -> None:
    gone = CASE.replace("ops.uid=2000", "''")
    path.write_text(gone + WRONG)
    record_case(path)
    assert "apply:" not in path.read_text()


def test_the_program_records_and_checks_folders_and_files(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["testing", *words])
        return main()

    folder = str(path.parents[1])
    assert run("check", folder) == 1
    assert "there.yml: " in capsys.readouterr().err
    assert run("record", str(path)) == 0
    assert capsys.readouterr().out.startswith(f"{path}: recorded")
    assert run("check", folder) == 0
    assert capsys.readouterr().out == "1 cases, 0 failed\n"
