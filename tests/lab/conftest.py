"""The virtual lab for all tests in this folder; it stays up afterwards."""

from __future__ import annotations

import pytest

from provision import lab


@pytest.fixture(scope="session")
def running_lab() -> list[lab.VirtualHost]:
    """Three hosts; they are as the last test left them."""
    return lab.up(3, progress=print)
