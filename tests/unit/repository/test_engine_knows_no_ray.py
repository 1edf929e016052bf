"""Folders below `ray/`, and the commands that are not Ray's, do not know Ray or its groups."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "provision"
FOLDERS = ("model", "config", "secrets", "transport", "engine", "steps", "report")
FILES = [
    path
    for folder in FOLDERS
    for path in sorted((PACKAGE / folder).rglob("*"))
    if path.suffix in {".py", ".sh"}
] + sorted((PACKAGE / "cli").glob("*.py"))
RAY = re.compile(
    r"(?<![A-Za-z])ray(?![a-z])|RAY|Ray(?![a-z])|[\"'`]head[\"'`]|\bworkers\b[\"'`:]"
)
"""The word, alone or as a part of a name, and the groups of a Ray cluster as names."""


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_ray_does_not_occur(path: Path) -> None:
    lines = enumerate(path.read_text().splitlines(), start=1)
    found = [f"{number}: {line}" for number, line in lines if RAY.search(line)]
    assert found == []


@pytest.mark.parametrize(
    "line",
    ["ray_head", "in_ray", "a Ray node", "PROVISION_RAY_TOKEN", 'groups["head"]'],
)
def test_the_search_finds_it(line: str) -> None:
    assert RAY.search(line)


@pytest.mark.parametrize("line", ["an array", "head -n 1", "self.head", "BytearrayX"])
def test_the_search_finds_no_other_word(line: str) -> None:
    assert not RAY.search(line)
