"""Ray nodes that do not work: the plan shows it, and a deploy mends it or says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.fault_host import wait_until
from support.lab.commands import INVENTORY, invoke, invoke_with_report
from support.lab.host_state import root_shell

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
RESTARTS = "docker inspect --format '{{.RestartCount}}' ray-lab"
SESSION = "/var/lib/provision-lab/gcs/session_name"


@pytest.fixture(scope="module", autouse=True)
def deployed(running_lab: object) -> None:
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


def test_a_head_whose_session_name_was_lost_gets_it_back() -> None:
    """As after a power cut that left the file empty: Ray ends at every start."""
    name = root_shell("node1", f"cat {SESSION}")
    root_shell("node1", f"docker stop ray-lab; : >{SESSION}; docker start ray-lab")
    wait_until(
        lambda: int(root_shell("node1", RESTARTS)) >= 1, 120, "Ray has ended for it"
    )
    planned = invoke("plan", "--inventory", INVENTORY).expect_exit(3)
    assert f"session_name: {root_shell('node1', f'cat {SESSION}')} -> {name}" in (
        planned.output
    )
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
    assert root_shell("node1", f"cat {SESSION}") == name
    invoke("plan", "--inventory", INVENTORY).expect_exit(0)


@pytest.fixture
def closed_worker() -> Iterator[None]:
    """Close the ports of a worker to the head, which then declares it dead."""
    rule = "INPUT ! -i lo -p tcp --dport 6380:6385 -j DROP"
    root_shell("node3", f"iptables -A {rule}; docker restart ray-lab")
    yield
    root_shell("node3", f"iptables -D {rule}; docker restart ray-lab")
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


@pytest.mark.long
def test_a_worker_that_ends_again_and_again_behind_a_firewall_is_told(
    closed_worker: None, tmp_path: Path
) -> None:
    wait_until(
        lambda: int(root_shell("node3", RESTARTS)) >= 3, 300, "Ray has ended 3 times"
    )
    shown = invoke("status", "--inventory", INVENTORY).expect_exit(3)
    assert "restarted" in shown.output
    planned = invoke("plan", "--inventory", INVENTORY).expect_exit(3)
    assert "restarts: " in planned.output
    done, report = invoke_with_report(
        "deploy", "--inventory", INVENTORY, report=tmp_path / "report.json"
    )
    done.expect_exit(2)
    [failed] = [
        s for s in report["hosts"]["node3"]["steps"] if s["outcome"] == "failed"
    ]
    error = failed["error"]
    assert "ended again" in " ".join(error["details"])
    assert "iptables is active on this host" in error["hint"]
    assert "iptables -I INPUT -s 172.30.77.11" in error["hint"]
