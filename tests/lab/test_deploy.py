"""The main job on real hosts: deploy, again, status, teardown. Seen from the outside."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from support.lab.commands import INVENTORY, invoke, invoke_with_report
from support.lab.host_state import root_shell
from support.lab.planned import assert_same

from provision import lab

HOSTS = ("node1", "node2", "node3")
ADDRESSES = {"172.30.77.11", "172.30.77.12", "172.30.77.13"}
LISTING = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /dev \
    -o -path /var/log -o -path /var/tmp -o -path /var/lib/systemd -o -path /home/admin \) \
    -prune -o \
    -printf '%p %y %s %m %U %G %T@ %C@\n' | grep -v '^/var d' | sort
"""
"""All files with size, mode, owner and times; without what boot or a login changes."""

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


def listing(host: str) -> frozenset[str]:
    return frozenset(root_shell(host, LISTING).splitlines())


def containers() -> dict[str, str]:
    """Id and start time of each host's Ray container."""
    form = "{{.Id}} {{.State.StartedAt}}"
    return {
        h: root_shell(h, f"docker inspect --format '{form}' ray-lab") for h in HOSTS
    }


def ray_nodes() -> list[dict[str, Any]]:
    """Return the nodes as Ray itself has them."""
    program = "import ray, json; ray.init(address='auto', log_to_driver=False); " + (
        "print(json.dumps(ray.nodes()))"
    )
    printed = lab.run("node1", "docker", "exec", "ray-lab", "python", "-c", program)
    # Ray may say in between, or after, what it thinks of a node that died.
    [found] = [line for line in printed.splitlines() if line.startswith("[{")]
    nodes: list[dict[str, Any]] = json.loads(found)
    return [node for node in nodes if node["Alive"]]


@pytest.fixture(scope="module")
def bare(running_lab: object) -> None:
    """Three hosts as they come from the factory."""
    lab.reset()


@pytest.fixture(scope="module")
def first(bare: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A plan of bare hosts, with what is on their disks before and after."""
    report = tmp_path_factory.mktemp("plan") / "report.json"
    before = {host: listing(host) for host in HOSTS}
    done, found = invoke_with_report("plan", "--inventory", INVENTORY, report=report)
    after = {host: listing(host) for host in HOSTS}
    return {"done": done, "report": found, "before": before, "after": after}


@pytest.fixture(scope="module")
def deployed(
    first: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The first deploy on them."""
    report = tmp_path_factory.mktemp("deploy") / "report.json"
    done, found = invoke_with_report("deploy", "--inventory", INVENTORY, report=report)
    done.expect_exit(0)
    return {"done": done, "report": found}


def test_a_plan_says_what_would_change_and_touches_nothing(
    first: dict[str, Any],
) -> None:
    first["done"].expect_exit(3)
    for host in HOSTS:
        touched = first["before"][host] ^ first["after"][host]
        assert not touched, f"on {host}: {sorted(touched)[:20]}"
        assert len(first["before"][host]) > 5000
    hosts = first["report"]["hosts"]
    assert all(hosts[host]["planned"] > 0 for host in HOSTS)
    assert all(hosts[host]["round_trips"] == 1 for host in HOSTS)


def test_the_plan_listed_each_step_that_deploy_then_changed(
    first: dict[str, Any], deployed: dict[str, Any]
) -> None:
    for host in HOSTS:
        planned = [s["step"] for s in first["report"]["hosts"][host]["steps"]]
        steps = deployed["report"]["hosts"][host]["steps"]
        changed = [s["step"] for s in steps if s["outcome"] == "changed"]
        assert set(changed) <= set(planned)
        assert changed, host


@pytest.mark.long
def test_the_plan_of_bare_hosts_is_what_deploy_then_changed(
    first: dict[str, Any], deployed: dict[str, Any]
) -> None:
    assert_same(first["report"], deployed["report"])


def test_a_first_deploy_takes_few_round_trips(deployed: dict[str, Any]) -> None:
    """Hold the count, whatever the number of steps: 11 of the head when nothing is slow."""
    hosts = deployed["report"]["hosts"]
    head, *workers = (hosts[host]["round_trips"] for host in HOSTS)
    assert head <= 13
    assert max(workers) <= 8


def test_every_address_of_the_inventory_is_a_living_ray_node(
    deployed: dict[str, Any],
) -> None:
    assert {node["NodeManagerAddress"] for node in ray_nodes()} == ADDRESSES


def test_a_second_deploy_changes_nothing_in_one_round_trip_a_host(
    deployed: dict[str, Any], tmp_path: Path
) -> None:
    before = containers()
    done, found = invoke_with_report(
        "deploy", "--inventory", INVENTORY, report=tmp_path / "report.json"
    )
    done.expect_exit(0)
    for host in HOSTS:
        assert found["hosts"][host]["changed"] == 0
        assert found["hosts"][host]["round_trips"] == 1
    assert containers() == before, "a container was touched"


def test_a_plan_of_a_deployed_cluster_is_empty(deployed: dict[str, Any]) -> None:
    invoke("plan", "--inventory", INVENTORY).expect_exit(0)
    invoke("deploy", "--inventory", INVENTORY, "--check").expect_exit(0)
    invoke("verify", "--inventory", INVENTORY).expect_exit(0)


def test_status_shows_hosts_and_nodes_and_remembers_the_inventory(
    deployed: dict[str, Any],
) -> None:
    done = invoke("status").expect_exit(0)
    assert "lab.yml" in done.output
    assert all(host in done.output for host in HOSTS)
    assert done.output.count("ALIVE") >= 3 or "3 of 3" in done.output


def test_the_smoke_job_runs_on_every_node(deployed: dict[str, Any]) -> None:
    done = invoke("smoke").expect_exit(0)
    assert "[0, 1, 4, 9]" in done.output
    assert all(host in done.output for host in HOSTS)


def test_the_token_is_in_no_command_line_environment_or_container(
    deployed: dict[str, Any],
) -> None:
    token = root_shell("node1", "cat /var/lib/provision-lab/auth_token").strip()
    assert len(token) >= 32
    for host in HOSTS:
        inspected = root_shell(host, "docker inspect ray-lab")
        processes = root_shell(
            host, "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '"
        )
        assert token not in inspected
        assert token not in processes
    assert token not in deployed["done"].output
    assert token not in json.dumps(deployed["report"])


def test_ray_refuses_who_has_no_token(deployed: dict[str, Any]) -> None:
    program = "import ray; ray.init(address='172.30.77.11:6379')"
    without = "RAY_AUTH_MODE=disabled RAY_AUTH_TOKEN_PATH="
    script = f'timeout 20 docker exec -e {without.replace(" ", " -e ")} ray-lab python -c "{program}"'
    printed = root_shell("node1", f"{script} 2>&1 && echo LET-IN || true")
    assert "LET-IN" not in printed
    for path in ("/api/v0/nodes", "/api/jobs/"):
        with pytest.raises(HTTPError) as refused:
            urlopen(f"http://172.30.77.11:8265{path}", timeout=10)
        assert refused.value.code in (401, 403)
        refused.value.close()


def test_a_limit_and_tags_choose_what_runs(
    deployed: dict[str, Any], tmp_path: Path
) -> None:
    _, found = invoke_with_report(
        *("plan", "--inventory", INVENTORY, "--limit", "workers:!node3"),
        report=tmp_path / "report.json",
    )
    assert list(found["hosts"]) == ["node2"]


def test_a_changed_option_replaces_only_its_container(deployed: dict[str, Any]) -> None:
    before = containers()
    change = ("--inventory", INVENTORY, "--limit", "node3", "--set", "ray_num_cpus=2")
    plan = invoke("plan", *change).expect_exit(3)
    assert re.search(r"num-cpus: 1 (->|→) 2", plan.output), plan.output
    invoke("deploy", *change).expect_exit(0)
    after = containers()
    assert after["node3"] != before["node3"]
    assert (after["node1"], after["node2"]) == (before["node1"], before["node2"])
    cpus = {n["NodeManagerAddress"]: n["Resources"].get("CPU") for n in ray_nodes()}
    assert cpus["172.30.77.13"] == 2
    invoke("deploy", "--inventory", INVENTORY).expect_exit(0)


def wait_until_well() -> None:
    """Only probe, until nothing differs: whatever heals, heals by itself."""
    deadline = time.monotonic() + 180
    while (plan := invoke("plan", "--inventory", INVENTORY)).code != 0:
        assert time.monotonic() < deadline, plan.output
        time.sleep(2)


def test_a_killed_container_heals_without_a_controller(
    deployed: dict[str, Any],
) -> None:
    root_shell("node2", "kill -9 $(docker inspect --format '{{.State.Pid}}' ray-lab)")
    wait_until_well()
    assert {node["NodeManagerAddress"] for node in ray_nodes()} == ADDRESSES


def test_a_rebooted_host_comes_back_by_itself(deployed: dict[str, Any]) -> None:
    lab.reboot("node3")
    wait_until_well()
    assert {node["NodeManagerAddress"] for node in ray_nodes()} == ADDRESSES


class TestTeardown:
    """In this order, on the cluster the tests before it used."""

    def test_it_goes_and_comes_again(self, deployed: dict[str, Any]) -> None:
        refused = invoke("teardown", "--inventory", INVENTORY).expect_exit(5)
        assert "--yes" in refused.output
        assert set(containers()) == set(HOSTS), "nothing went without a yes"

        gone = invoke("teardown", "--inventory", INVENTORY, "--yes").expect_exit(0)
        assert "ray-lab" in gone.output
        for host in HOSTS:
            assert left_on(host) == ""
            assert "Version" in root_shell(host, "docker version"), "Docker stays"
            assert "rayproject/ray" in root_shell(host, "docker images"), (
                "the image stays"
            )

        again = invoke("teardown", "--inventory", INVENTORY, "--yes").expect_exit(0)
        assert "0 changed" in again.output or "nothing" in again.output.lower()

        invoke("deploy", "--inventory", INVENTORY).expect_exit(0)
        assert {node["NodeManagerAddress"] for node in ray_nodes()} == ADDRESSES

        invoke(
            "teardown", "--inventory", INVENTORY, "--yes", "--level", "engine"
        ).expect_exit(0)
        for host in HOSTS:
            assert left_on(host) == ""
            engine = "command -v dockerd; ls -d /etc/docker /var/lib/docker/* 2>/dev/null; true"
            assert root_shell(host, engine) == ""


LEFT = r"""
docker ps -aq --filter label=provision.cluster 2>/dev/null
docker volume ls -q 2>/dev/null
ls -d /var/lib/provision* /etc/provision* /run/provision* \
    /run/provision-*.lock /run/lock/provision* /opt/provision* /etc/systemd/system/*provision* 2>/dev/null
getent passwd | grep -i -e '^ray' -e '^provision'
ss -Hltn | grep -E ':(6379|8265|10001|52365|8076|8077) '
pgrep -l 'raylet|gcs_server'
true
"""


def left_on(host: str) -> str:
    """Return all that is left of a cluster: containers, volumes, files, users, ports, processes."""
    return root_shell(host, LEFT).strip()
