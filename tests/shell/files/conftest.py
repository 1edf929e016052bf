"""Fixtures of the tests of archives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_host import Files, Host
from web import serving


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    given = {"files": {}, "asked": [], "ranges": True, "cut": None}
    files = type("FilesOfOneTest", (Files,), given)
    with serving(files) as port:
        yield Host(tmp_path, files, port)
