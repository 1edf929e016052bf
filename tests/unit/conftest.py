"""Fixtures of the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from place import Place, place


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return place(tmp_path)
