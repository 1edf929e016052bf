"""Fixture of all tests: steps that run on this machine do not write its real manifest."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def manifest(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let steps that run on this machine note what was there in a folder of the tests."""
    os.environ["PROVISION_MANIFEST"] = str(tmp_path_factory.mktemp("manifest") / "host")
