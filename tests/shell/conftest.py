"""Fixtures of the tests of shell text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web import Pages, serving, unused_port


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a web server on loopback that has `Pages`."""
    with serving(Pages) as port:
        yield port


@pytest.fixture
def closed_port() -> int:
    return unused_port()
