"""A prune: hosts that have left are cleared, and forgotten when they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provision.config.inventory import Host, Inventory, load
from provision.errors import ConnectError, InputError
from provision.model.events import StepOk
from provision.model.result import HostResult, Run
from provision.model.shell import Reply, Sh
from provision.ray import deploy as deploy_module
from provision.ray import deployed_hosts, other_clusters
from provision.ray import prune as module
from provision.ray.deploy import deploy
from provision.ray.prune import find_prune, prune

BEFORE = "{a: {}, b: {ansible_host: 10.0.0.2}, c: {ansible_host: 10.0.0.3}}"


def inventory(folder: Path, hosts: str, more: str = "x: 1") -> Inventory:
    (folder / "inv.yml").write_text(
        f"all: {{vars: {{cluster: one, {more}}}}}\n"
        "head: {hosts: {h: {ansible_host: 10.0.0.9}}}\n"
        f"workers: {{hosts: {hosts}}}\n"
    )
    return load(folder / "inv.yml")


class Ray:
    """Stands in for Ray on the head: it has these nodes, or cannot be asked."""

    def __init__(self) -> None:
        self.alive: list[str] = []
        self.error: Exception | None = None

    def ask(self, host: Host, sh: Sh, limit_s: float) -> Reply:
        assert host.name == "h"
        if self.error:
            raise self.error
        nodes = [{"node_ip": ip, "state": "ALIVE", "node_id": ip} for ip in self.alive]
        body = json.dumps({"data": {"result": {"result": nodes}}})
        return Reply(f"HTTP/1.1 200 OK\r\n\r\n{body}" if nodes else "")


@pytest.fixture(autouse=True)
def ray(monkeypatch: pytest.MonkeyPatch) -> Ray:
    made = Ray()
    monkeypatch.setattr(module, "ask", made.ask)
    return made


@pytest.fixture
def calls(
    monkeypatch: pytest.MonkeyPatch,
) -> list[tuple[Inventory, str, dict[str, Any]]]:
    """Record the arguments of `plan` and `apply`; the host `c` cannot be reached."""
    made: list[tuple[Inventory, str, dict[str, Any]]] = []

    def run(hosts: Inventory, playbook: str, **options: Any) -> Run:
        made.append((hosts, playbook, options))
        run = Run()
        run.hosts = {name: HostResult() for name in hosts.hosts}
        if "c" in run.hosts:
            run.hosts["c"].error = ConnectError("away")
        return run

    monkeypatch.setattr(module, "plan", run)
    monkeypatch.setattr(module, "apply", run)
    monkeypatch.setattr(other_clusters, "other_clusters", lambda *_: {})
    return made


def test_nothing_is_done_when_no_host_has_left(
    tmp_path: Path, calls: list[object]
) -> None:
    now = inventory(tmp_path, BEFORE)
    deployed_hosts.record(now, now.hosts)
    assert (find_prune(now), prune(now), calls) == (None, None, [])


def test_cleared_hosts_are_forgotten_and_the_others_tried_again(
    tmp_path: Path, calls: list[tuple[Inventory, str, dict[str, Any]]]
) -> None:
    before = inventory(tmp_path, BEFORE)
    deployed_hosts.record(before, before.hosts)
    found = find_prune(inventory(tmp_path, "{a: {}}"), forks=3)
    assert found and found.hosts == ("b", "c")
    found.plan()
    assert find_prune(found.inventory) is not None, "a plan forgets nothing"
    run = found.apply()
    assert found.remaining(run) == ["c"]
    again = find_prune(found.inventory)
    assert again and again.hosts == ("c",)
    assert [(book, set(hosts.hosts)) for hosts, book, _ in calls] == [
        ("prune", {"h", "b", "c"})
    ] * 2
    assert calls[0][2]["forks"] == 3


def test_a_node_that_only_ray_knows_is_found_and_reached_as_the_others_are(
    tmp_path: Path, ray: Ray, calls: list[object]
) -> None:
    workers = (
        "{a: {ansible_host: 10.0.0.1}, b: {ansible_host: 10.0.0.2, ansible_port: 7}}"
    )
    now = inventory(
        tmp_path, workers, more="ansible_user: op, ansible_connection: local"
    )
    ray.alive = ["10.0.0.9", "10.0.0.1", "10.0.0.2", "10.0.0.7", "127.0.0.1"]
    found = find_prune(now)
    assert found and found.hosts == ("10.0.0.7",)
    host = found.former.hosts["10.0.0.7"]
    assert (host.ssh_host, host.user, host.port) == ("10.0.0.7", "op", None)
    assert host.connection == "ssh", "or this machine would be cleared"


def test_a_node_that_is_recorded_is_found_once(
    tmp_path: Path, ray: Ray, calls: list[object]
) -> None:
    before = inventory(tmp_path, BEFORE)
    deployed_hosts.record(before, before.hosts)
    ray.alive = ["10.0.0.9", "10.0.0.2"]
    found = find_prune(inventory(tmp_path, "{a: {}}"))
    assert found and found.hosts == ("b", "c")


def test_it_is_an_error_that_ray_cannot_be_asked(
    tmp_path: Path, ray: Ray, calls: list[object]
) -> None:
    """Which nodes it has is unknown then, not none."""
    ray.error = ConnectError("away")
    with pytest.raises(ConnectError):
        find_prune(inventory(tmp_path, BEFORE))


def test_an_inventory_that_a_deploy_refuses_is_not_pruned(
    tmp_path: Path, calls: list[object]
) -> None:
    before = inventory(tmp_path, BEFORE)
    deployed_hosts.record(before, before.hosts)
    now = inventory(tmp_path, "{a: {}}")
    with pytest.raises(InputError, match="ray_image: must be text, not true"):
        prune(now, sets={"ray_image": True})
    assert not calls


def test_a_deploy_records_the_hosts_it_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def apply(hosts: Inventory, playbook: str, **options: Any) -> Run:
        run = Run()
        run.hosts = {name: HostResult() for name in hosts.hosts}
        for name in ("h", "b"):
            run(StepOk(host=name, play="p", step="s", kind="k"))
        return run

    monkeypatch.setattr(deploy_module, "apply", apply)
    before = inventory(tmp_path, BEFORE)
    deploy(before)
    former = deployed_hosts.left(inventory(tmp_path, "{a: {}}"))
    assert former and former.groups["left"] == ("b",), "c was not reached"
