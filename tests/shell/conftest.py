"""Fixtures of the tests of shell text."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from web import Pages, serving


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a web server on loopback that has `Pages`."""
    with serving(Pages) as port:
        yield port


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nothing answers, and that nobody else can get meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
