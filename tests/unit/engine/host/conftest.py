"""Fixtures of the tests of one host."""

from __future__ import annotations

from pathlib import Path

import pytest
from rig import Note


@pytest.fixture
def notes(tmp_path: Path) -> list[Note]:
    """Steps for four files that do not exist yet."""
    return [Note(path=f"{tmp_path}/{name}") for name in "abcd"]
