"""Files and functions stay small; raising a number here needs a decision on paper."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOPS = ("provision", "tests", "benchmarks")
SOURCES = sorted((ROOT / "provision").rglob("*.py"))
FILES = sorted(
    path
    for top in TOPS
    for path in (ROOT / top).rglob("*")
    if path.suffix in {".py", ".sh"}
)
FOLDERS = sorted({path.parent for path in FILES})
SHELL_TESTS = sorted((ROOT / "tests/shell").rglob("*.py"))
FILE_LINES = 400
FOLDER_FILES = 12
FUNCTION_LINES = 50
MEDIAN_LINES = 8


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The functions of a file, with how many lines each has."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_stays_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_functions_stay_small(path: Path) -> None:
    long = [(name, lines) for name, lines in functions(path) if lines > FUNCTION_LINES]
    assert long == []


@pytest.mark.parametrize("path", SHELL_TESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_of_shell_tests_stays_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LINES


def test_most_functions_are_very_small() -> None:
    lines = [lines for path in SOURCES for _, lines in functions(path)]
    assert statistics.median(lines) <= MEDIAN_LINES


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_a_folder_has_few_files(folder: Path) -> None:
    assert sum(path.parent == folder for path in FILES) <= FOLDER_FILES
