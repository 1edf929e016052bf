"""Fixture of the tests of GPUs: a host that is files."""

from __future__ import annotations

from pathlib import Path

import pytest
from shells import bare_tools
from support.gpu_host import GpuHost


@pytest.fixture
def host(tmp_path: Path) -> GpuHost:
    """A bare host with no GPU yet."""
    (tmp_path / "root").mkdir()
    return GpuHost(tmp_path / "root", bare_tools(tmp_path / "bin"))
