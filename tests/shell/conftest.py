"""Fixtures of the tests of shell text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from web import Pages, closed, serving


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a web server on loopback that has `Pages`."""
    with serving(Pages) as port:
        yield port


@pytest.fixture
def closed_port() -> Iterator[int]:
    with closed() as port:
        yield port
