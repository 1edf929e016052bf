"""Docstrings begin with a verb or a noun; names are words that a newcomer knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "provision"
FILES = sorted(PACKAGE.rglob("*.py"))
EVERYWHERE = [
    path
    for folder in ("provision", "tests", "benchmarks", "docs", "playbooks")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".sh", ".md", ".yml"} and path != Path(__file__)
]
BEGINNINGS = {"What", "Whether", "How", "Who", "Where", "Why", "By", "That"}
PRIVATE = re.compile(
    r"(?i)leash|turnstile|crew(?!r)|unmake|sparing|mouth|lookout|verdict|\bjoint_"
)
"""Names of an earlier private vocabulary, which must not come back."""


def docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a file, those of constants and fields among them."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield text


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_docstring_begins_with_a_verb_or_a_noun(path: Path) -> None:
    wrong = [
        text.splitlines()[0]
        for text in docstrings(path)
        if text.split()[0] in BEGINNINGS or text.startswith("The same")
    ]
    assert wrong == []


def test_the_private_words_of_earlier_do_not_occur() -> None:
    found = {path: PRIVATE.findall(path.read_text()) for path in EVERYWHERE}
    assert {path: words for path, words in found.items() if words} == {}
