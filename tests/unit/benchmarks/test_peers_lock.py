"""The lock of the benchmarks' peers is of what peers.in names, each with a reason."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PEERS = [
    line
    for line in (ROOT / "benchmarks/peers.in").read_text().splitlines()
    if line and not line.startswith("#")
]
LOCK = (ROOT / "requirements-bench.txt").read_text()


def test_each_peer_has_a_reason() -> None:
    assert PEERS
    for line in PEERS:
        name, mark, reason = line.partition("#")
        assert name.strip() and mark and len(reason.split()) > 2, line


def test_the_lock_has_those_and_was_made_without_this_program() -> None:
    names = {line.split()[0] for line in PEERS}
    asked = re.findall(
        r"^([a-z0-9-]+)==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+    # via (.*)",
        LOCK,
        re.M,
    )
    assert {name for name, via in asked if "peers.in" in via} == names
    assert "setup.cfg" not in LOCK
