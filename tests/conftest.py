"""Fixtures of all tests: steps that run on this machine do not write its real manifest, and do
not see its GPUs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

REAL = Path("/var/lib/.provision/manifest")
"""The manifest of this machine: its state before it was first changed; see ADR 26."""

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # As under nohup: shells that tests start could not trap it. One that is handled here
    # is not ignored by them, and still does not end the tests.
    signal.signal(signal.SIGHUP, lambda number, frame: None)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a script: programs that tests start would ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let steps that run on this machine note what was there in a folder of the tests."""
    os.environ["PROVISION_MANIFEST"] = str(tmp_path_factory.mktemp("manifest") / "host")
    before = real_manifest()
    yield
    assert real_manifest() == before, f"a test wrote {REAL} of this machine"


@pytest.fixture(scope="session", autouse=True)
def no_gpus(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let steps that run on this machine find no GPU, whatever it has."""
    os.environ["PROVISION_GPU_ROOT"] = str(tmp_path_factory.mktemp("no-gpus"))


def real_manifest() -> bytes:
    """Return the notes about this machine itself, which no test may write."""
    return REAL.read_bytes() if REAL.exists() else b""
