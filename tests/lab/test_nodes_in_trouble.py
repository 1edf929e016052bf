"""Ray nodes that do not work: the plan shows it, and a deploy mends it or says what is wrong."""

from __future__ import annotations

import pytest
from faults.fault_host import wait_until
from support.lab.commands import INVENTORY, invoke

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]
RESTARTS = "docker inspect --format '{{.RestartCount}}' ray-lab"
SESSION = "/var/lib/provision-lab/gcs/session_name"


def root_shell(host: str, script: str) -> str:
    return lab.run(host, "sh", "-c", script)


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
