"""An interrupted deploy and the one that finishes it have one id."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from provision import api
from provision.config.playbook.load import load
from provision.steps.files.file import File

BOOK = """
- play: p
  hosts: all
  steps:
    - file: {path: FOLDER/first, content: "{{ run }}", owner: "OWNER", group: "GROUP"}
    - file:
        path: FOLDER/sub/second
        content: "x"
        owner: "OWNER"
        group: "GROUP"
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where `file` stands for a step that replaces a node."""
    monkeypatch.setattr(File, "carries_run", True)
    text = BOOK.replace("FOLDER", str(tmp_path)).replace("OWNER", str(os.geteuid()))
    (tmp_path / "book.yml").write_text(text.replace("GROUP", str(os.getegid())))
    about = {"cluster": "cut", "ansible_connection": "local", "ansible_become": False}
    hosts = {"all": {"vars": about, "hosts": {"a": {}}}}
    (tmp_path / "inv.yml").write_text(json.dumps(hosts))
    return tmp_path


def deploy(place: Path, **options: str) -> int:
    book = load(place / "book.yml")
    return api.apply(place / "inv.yml", book, **options).exit_code  # type: ignore[arg-type]


def test_an_interrupted_deploy_is_continued_under_its_id(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda *_: "first")
    assert deploy(place) == 2, "a folder is missing"
    assert (place / "first").read_text() == "first"
    (place / "sub").mkdir()
    monkeypatch.setattr("time.strftime", lambda *_: "second")
    assert deploy(place) == 0
    assert (place / "first").read_text() == "first", "it is still the same change"
    assert deploy(place) == 0
    assert (place / "first").read_text() == "second", "it was over"


def test_a_part_that_ended_well_does_not_finish_the_whole(place: Path) -> None:
    assert deploy(place) == 2
    (place / "sub").mkdir()
    assert deploy(place, limit="a") == 0
    kept = place / ".provision/cut/unfinished"
    assert kept.exists()
    assert deploy(place) == 0
    assert not kept.exists()


def test_a_run_that_replaces_nothing_leaves_no_trace(place: Path) -> None:
    (place / "sub").mkdir()
    assert deploy(place) == 0
    assert not (place / ".provision/cut/unfinished").exists()
