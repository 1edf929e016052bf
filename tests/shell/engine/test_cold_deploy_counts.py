"""Counts of a cold deploy of `deploy.yml` with metrics: round trips, and processes on the head.

The hosts are stand-ins that run the real probes; see `support/cold_deploy.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cold_deploy import HEAD, WORKERS, Deploy, deploy, possible

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not possible(), reason="needs unshare"),
]
MOST_TRIPS_OF_HEAD = 12
"""The most round trips, when the lanes end in the worst order."""
MOST_TRIPS_OF_WORKER = 7


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    return deploy(tmp_path_factory.mktemp("cold"))


def test_the_head_takes_few_round_trips(cold: Deploy) -> None:
    assert cold.changed[HEAD] == 40
    assert cold.trips[HEAD] <= MOST_TRIPS_OF_HEAD
    assert max(cold.trips[name] for name in WORKERS) <= MOST_TRIPS_OF_WORKER


def test_its_probes_start_few_processes(cold: Deploy, tmp_path: Path) -> None:
    single = deploy(tmp_path, most=1)
    assert single.changed == cold.changed
    assert single.trips[HEAD] > 3 * MOST_TRIPS_OF_HEAD
    assert cold.processes[HEAD] < 0.6 * single.processes[HEAD], (cold, single)
