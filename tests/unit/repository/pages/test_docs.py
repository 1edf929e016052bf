"""The documents name what exists: links, and the files of the code map."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("benchmarks/*.md"),
]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
MAP = ROOT / "docs/code-map.md"


def anchor(heading: str) -> str:
    """The anchor that a Markdown renderer gives a heading."""
    kept = re.sub(r"[^\w\s-]", "", heading.replace("`", "")).strip().lower()
    return kept.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, part in LINK.findall(page.read_text()):
        file = page.parent / target
        assert file.exists(), target
        if part:
            anchors = {anchor(found) for found in HEADING.findall(file.read_text())}
            assert part in anchors, f"{target}#{part}"


def test_the_code_map_names_files_that_exist() -> None:
    text = MAP.read_text()
    missing: list[str] = []
    for line in text.splitlines():
        folders = [ROOT, *(ROOT / f for f in re.findall(r"`([\w/]+/)`", line))]
        folders.append(ROOT / "provision")
        named = re.findall(r"`([\w/.-]+\.(?:py|sh|yml))`", line)
        missing += [n for n in named if not any((f / n).exists() for f in folders)]
    assert missing == []


def test_the_code_map_names_every_folder() -> None:
    text = MAP.read_text()
    for folder in (ROOT / "provision").iterdir():
        if (folder / "__init__.py").exists():
            assert f"`provision/{folder.name}/`" in text


def test_the_code_map_names_what_is_in_these_files() -> None:
    text = MAP.read_text()
    pairs = re.findall(r"`([\w/.-]+\.py)`, `(\w+)`", text)
    assert len(pairs) > 5
    absent = [(f, n) for f, n in pairs if not defines((ROOT / f).read_text(), n)]
    assert absent == []


def defines(source: str, name: str) -> bool:
    """Return True if a function, class or constant of this name is made in *source*."""
    return bool(re.search(rf"^\s*(?:(?:def|class) )?{name}\b(?:\(|:| =)", source, re.M))


def test_each_decision_has_a_number_of_its_own() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [int(page.name.partition("-")[0]) for page in pages]
    assert len(set(numbers)) == len(numbers), [page.name for page in pages]
    for page, number in zip(pages, numbers, strict=True):
        assert page.read_text().startswith(f"# {number}. "), page.name
