"""A cluster that is stopped on purpose and started again; seen by plain Docker."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from support.lab.commands import INVENTORY, invoke
from support.printed.schemas import check

from provision import lab

HOSTS = ("node1", "node2", "node3")
OF_LAB = ("--inventory", INVENTORY)
pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


def state_of(host: str) -> str:
    """Return the container's state and its time of creation, by plain Docker."""
    form = "{{.State.Status}} {{.Created}}"
    return lab.run(host, "docker", "inspect", "--format", form, "ray-lab").strip()


def no_drift() -> str:
    """The output of `status` once it has no drift: Prometheus looks every few seconds."""
    deadline = time.monotonic() + 120
    while (found := invoke("status", *OF_LAB)).code != 0:
        assert time.monotonic() < deadline, found.output
        time.sleep(2)
    return found.output


def statuses() -> list[str]:
    return [state_of(host).split()[0] for host in HOSTS]


@pytest.fixture
def deployed(running_lab: object) -> Iterator[None]:
    invoke("deploy", *OF_LAB).expect_exit(0)
    yield
    invoke("start", *OF_LAB).expect_exit(0)


def test_a_stopped_worker_is_no_drift_and_starts_again(deployed: None) -> None:
    made = state_of("node3").split()[1]
    stopped = invoke("stop", *OF_LAB, "--limit", "node3").expect_exit(0)
    assert "`invoke start` starts it again" in stopped.output
    assert statuses() == ["running", "running", "exited"]
    # At once: that Prometheus misses Ray's metrics of that node is no drift.
    status = invoke("status", *OF_LAB).expect_exit(0).output
    assert "2 of 3 nodes ALIVE, 1 stopped on purpose" in status
    assert "UTC by " in status
    plan = invoke("plan", *OF_LAB).expect_exit(0).output
    assert "stopped on purpose since" in plan
    invoke("start", *OF_LAB, "--limit", "node3").expect_exit(0)
    assert state_of("node3") == f"running {made}"
    assert "3 of 3 nodes ALIVE" in no_drift()


@pytest.mark.long
def test_a_stopped_cluster_stays_so_over_a_deploy_and_a_reboot(deployed: None) -> None:
    made = [state_of(host).split()[1] for host in HOSTS]
    invoke("stop", *OF_LAB).expect_exit(0)
    assert statuses() == ["exited"] * 3
    again = invoke("stop", *OF_LAB).expect_exit(0).output
    assert "0 changed" in again
    deploy = invoke("deploy", *OF_LAB).expect_exit(0).output
    assert "stopped on purpose since" in deploy
    assert "is up" not in deploy
    assert statuses() == ["exited"] * 3, "a deploy leaves it stopped"
    invoke("lab.reboot", "node1").expect_exit(0)
    invoke("lab.reboot", "node2").expect_exit(0)
    assert statuses() == ["exited"] * 3, "it stays stopped over a reboot"
    status = no_drift()  # Prometheus has not looked at all hosts since the reboot
    assert "stopped on purpose" in status and "missing" not in status
    refused = invoke("start", *OF_LAB, "--limit", "node2")
    assert refused.code not in (0, 3)
    assert "the head is stopped on purpose" in refused.output
    assert statuses() == ["exited"] * 3
    invoke("start", *OF_LAB).expect_exit(0)
    assert [state_of(host).split()[1] for host in HOSTS] == made
    assert "0 changed" in invoke("start", *OF_LAB).expect_exit(0).output
    assert "3 of 3 nodes ALIVE" in no_drift()
    invoke("plan", *OF_LAB).expect_exit(0)


@pytest.mark.long
def test_a_restart_keeps_the_containers(deployed: None) -> None:
    before = [state_of(host) for host in HOSTS]
    form = "{{.State.StartedAt}}"

    def started() -> list[str]:
        words = ("docker", "inspect", "--format", form, "ray-lab")
        return [lab.run(host, *words).strip() for host in HOSTS]

    at = started()
    done = invoke("restart", *OF_LAB, "--json").expect_exit(0).output
    shown = json.loads(done[done.index("{\n") :])
    check("stop", shown)
    assert [run["command"] for run in shown["runs"]] == ["stop", "start"]
    assert [state_of(host) for host in HOSTS] == before
    assert all(now != then for now, then in zip(started(), at, strict=True))
    assert "3 of 3 nodes ALIVE" in no_drift()


@pytest.mark.long
def test_a_worker_that_hangs_does_not_keep_the_others(deployed: None) -> None:
    invoke("lab.cut", "node3").expect_exit(0)
    try:
        done = invoke("stop", *OF_LAB)
        assert done.code != 0
        assert statuses_of("node1", "node2") == ["running", "exited"]
    finally:
        invoke("lab.mend", "node3").expect_exit(0)


def statuses_of(*hosts: str) -> list[str]:
    return [state_of(host).split()[0] for host in hosts]


@pytest.mark.long
def test_a_host_that_is_not_deployed_is_refused_by_its_name(deployed: None) -> None:
    lab.run("node3", "docker", "rm", "--force", "ray-lab")
    done = invoke("stop", *OF_LAB, "--limit", "node3")
    assert done.code not in (0, 3)
    assert "node3" in done.output and "Ray is not deployed here" in done.output
    invoke("deploy", *OF_LAB).expect_exit(0)
