"""The main job on Debian 13; the last of the lab's tests, since it makes a new lab.

All tests of this folder run on the hosts that are there, so on Debian 13 as well:

    invoke lab.down; invoke lab.up --system debian13; pytest -m lab tests/lab
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lab.commands import INVENTORY, invoke, invoke_with_report
from support.lab.host_state import HOSTS, altered, root_shell, states

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]


@pytest.fixture
def debian_13() -> Iterator[None]:
    """Three bare hosts; the lab that was there is removed, and this one afterwards."""
    lab.down(keep_cache=True)
    lab.up(3, progress=print, system="debian13")
    yield
    lab.down(keep_cache=True)


def test_a_cluster_of_debian_13_comes_stays_and_goes(
    debian_13: None, tmp_path: Path
) -> None:
    assert {root_shell(host, "cut -d. -f1 /etc/debian_version") for host in HOSTS} == {
        "13"
    }
    before = states()
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    assert (
        "docker-cli" in root_shell("node1", "dpkg-query -W -f '${Package}\n'").split()
    )
    invoke("smoke").expect_exit(0)

    report = tmp_path / "second"
    done, found = invoke_with_report("deploy", "--inventory", INVENTORY, report=report)
    assert "0 changed" in done.expect_exit(0).output
    assert {host["round_trips"] for host in found["hosts"].values()} == {1}

    words = ("--inventory", INVENTORY, "--yes", "--level", "engine")
    invoke("teardown", *words).expect_exit(0)
    assert altered(before) == {}
