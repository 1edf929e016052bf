"""A golden case fails where the step reads, wants or sends anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from provision.errors import InputError
from provision.testing import check_case, load_cases, record_case
from provision.testing.cases import dump

CASE = """\
# the user is there
params: {name: ops}
reply: ops.uid=2000
state: {uid: '2000'}
changes: ['uid: 2000 -> (absent)']
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A case that holds."""
    path = tmp_path / "user_absent/there.yml"
    path.parent.mkdir()
    path.write_text(CASE)
    record_case(path)
    return path


def check(path: Path) -> None:
    [case] = load_cases(path.parents[1])
    check_case(case)


def test_a_case_that_was_recorded_holds(path: Path) -> None:
    check(path)


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("state", "state: {uid: '2000'}", "state: {uid: '2001'}"),
        ("changes", "'uid: 2000 -> (absent)'", "'uid: 2001 -> (absent)'"),
        ("changes", "['uid: 2000 -> (absent)']", "[]"),
        ("probe", "members: 'false'", "members: 'true'"),
        ("probe", "- ops\n", "- ops\n  - dev\n"),
        ("apply", "userdel --", "userdel -r --"),
        ("apply", "    name: ops\n", "    name: ops\n    more: ''\n"),
        ("error", "changes: ['uid: 2000 -> (absent)']", "error: it refuses"),
    ],
)
def test_a_case_fails_where_it_differs_from_the_step(
    path: Path, part: str, old: str, new: str
) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(AssertionError, match=rf"there\.yml: {part} "):
        check(path)


def test_a_difference_is_shown_line_by_line(path: Path) -> None:
    path.write_text(path.read_text().replace("userdel --", "userdel -r --"))
    with pytest.raises(AssertionError) as caught:
        check(path)
    shown = str(caught.value)
    assert '- text: userdel -r -- "$name"' in shown
    assert '+ text: userdel -- "$name"' in shown
    assert "python -m provision.testing record" in shown


@pytest.mark.parametrize("part", ["probe", "apply"])
def test_a_case_that_does_not_have_what_is_sent_fails(path: Path, part: str) -> None:
    case = yaml.safe_load(path.read_text())
    path.write_text(dump({key: case[key] for key in case if key != part}))
    with pytest.raises(AssertionError, match=rf"there\.yml: {part} "):
        check(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("params: {name: ops}\nchanges: []\nscript: [x]\n", "script: unknown"),
        ("params: {name: ops}\n", "must have either `changes` or `error`"),
        ("params: {name: ops}\nchanges: []\nerror: x\n", "either `changes`"),
        ("params: {nam: ops}\nchanges: []\n", "params.name: is missing"),
        ("params: {name: ops}\nchanges: []\nstate: {uid: 1}\n", "state.uid: must be"),
        ("params: [\n", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_case_is_refused(path: Path, text: str, words: str) -> None:
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_cases(path.parents[1])
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
