"""Images of a deployed lab: looked at, made of a container, spread, and removed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.lab.commands import INVENTORY, invoke
from support.lab.host_state import HOSTS, root_shell
from support.printed.schemas import check

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.long]
ON_LAB = ("--inventory", INVENTORY)
TAG = "lab/ray:changed"
RAY = "ray-lab"


@pytest.fixture(scope="module")
def cluster(running_lab: list[lab.VirtualHost]) -> None:
    """The lab, deployed, with no image of an earlier test."""
    for host in HOSTS:
        root_shell(host, f"! command -v docker >/dev/null || docker rmi -f {TAG} || :")
    invoke("deploy", *ON_LAB, "--set", "metrics=false").expect_exit(0)


def images(host: str) -> dict[str, dict[str, Any]]:
    """The images of *host* by each of their names."""
    shown = json.loads(invoke("images", "--json", *ON_LAB).expect_exit(0).output)
    check("images", shown)
    return {name: one for one in shown["hosts"][host] for name in one["names"]}


def inspected(host: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root_shell(host, f"docker inspect {name}"))[0]
    return found


def test_what_is_where_and_in_use(cluster: None) -> None:
    for host in HOSTS:
        used = [one for one in images(host).values() if RAY in one["used_by"]]
        assert len(used) == 1
        assert used[0]["id"] == inspected(host, RAY)["Image"]
        assert used[0]["brought"] and used[0]["size"] > 10**6
    shown = invoke("images", *ON_LAB).expect_exit(0).output
    assert "node1, node2 and node3" in shown and " deploy " in shown


def test_a_container_becomes_the_image_of_all_hosts_and_goes_again(
    cluster: None,
) -> None:
    base = see_a_commit()
    see_it_spread()
    see_it_deployed()
    see_it_pruned(base)


def see_a_commit() -> str:
    """Make an image of node2's container; return the name of that one's image."""
    root_shell("node2", f"docker exec {RAY} sh -c 'echo mine >/tmp/mine'")
    base: str = inspected("node2", RAY)["Config"]["Image"]
    shown = invoke("commit", "node2", "--tag", TAG, *ON_LAB).expect_exit(0).output
    assert "RAY_AUTH_MODE" in shown
    assert inspected("node2", RAY)["State"]["Status"] == "running"
    config = inspected("node2", TAG)["Config"]
    labels = config["Labels"]
    assert labels["provision.commit.host"] == "node2"
    assert labels["provision.commit.base"] == base
    assert labels["provision.spec"] == ""
    assert "RAY_AUTH_MODE=" in config["Env"]
    assert "RAY_AUTH_MODE" in labels["provision.commit.unset"].split()
    assert config["Cmd"] == inspected("node2", base)["Config"]["Cmd"]

    taken = invoke("commit", "node2", "--tag", base, *ON_LAB).expect_exit(2).output
    assert "is that of another image" in taken
    return base


def see_it_spread() -> None:
    line = ("commit", "node2", "--tag", TAG, "--deploy", *ON_LAB)
    shown = invoke(*line).expect_exit(0).output
    assert "is there already, made of this container" in shown
    assert f"ray_image: {TAG}" in shown and "loaded: node1 and node3" in shown
    ids = {inspected(host, TAG)["Id"] for host in HOSTS}
    assert len(ids) == 1
    for host in HOSTS:
        assert "provision-image" not in root_shell(host, "ls /var/tmp")


def see_it_deployed() -> None:
    version = labels_of_ray("node1")["provision.ray_version"]
    sets = ("--set", "metrics=false", "--set", f"ray_version={version}")
    deploy = ("deploy", *ON_LAB, *sets, "--set", f"ray_image={TAG}")
    invoke(*deploy).expect_exit(0)
    for host in HOSTS:
        assert root_shell(host, f"docker exec {RAY} cat /tmp/mine") == "mine\n"
    head = root_shell("node1", f"docker exec {RAY} env")
    assert "reconnect_timeout" not in head, "that is a worker's, and empty is wrong"
    assert " 0 changed" in invoke(*deploy).expect_exit(0).output


def see_it_pruned(base: str) -> None:
    invoke("deploy", *ON_LAB, "--set", "metrics=false").expect_exit(0)
    prune = ("images.prune", *ON_LAB, "--keep", "0")
    kept = invoke(*prune, "--check").output
    assert TAG not in kept, "the container that a rollback would start uses it"
    for host in HOSTS:
        root_shell(host, f"docker rm {RAY}-previous")
    shown = invoke(*prune, "--check").expect_exit(3).output
    assert shown.count(f"image {TAG}") >= 3 and base not in shown
    old = invoke(*prune, "--older-than", "2d", "--check").expect_exit(0).output
    assert "no image to remove" in old
    invoke(*prune, "--yes").expect_exit(0)
    for host in HOSTS:
        names = images(host)
        assert TAG not in names and base in names


def labels_of_ray(host: str) -> dict[str, str]:
    found: dict[str, str] = inspected(host, RAY)["Config"]["Labels"]
    return found


def test_no_such_container(cluster: None) -> None:
    root_shell("node3", f"docker rename {RAY} away")
    try:
        line = ("commit", "node3", "--tag", "lab/ray:no", *ON_LAB)
        shown = invoke(*line).expect_exit(2).output
    finally:
        root_shell("node3", f"docker rename away {RAY}")
    assert "there is no container ray-lab on this host: not deployed" in shown


def test_history_has_the_runs_of_this_lab(cluster: None) -> None:
    found = json.loads(invoke("history", "--json", *ON_LAB).expect_exit(0).output)
    check("history", found)
    last = found["runs"][-1]
    assert last["exit"] == 0 and last["by"] and last["from"]
    one = invoke("history", "--run", last["run"], *ON_LAB).expect_exit(0).output
    assert last["changes"][0]["step"] in one
    again = json.loads(invoke("history", "--json", *ON_LAB).expect_exit(0).output)
    assert again["runs"] == found["runs"]
