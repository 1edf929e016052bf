"""A prune: hosts that have left are cleared, and forgotten when they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config.inventory import Inventory, load
from provision.errors import ConnectError, InputError
from provision.model.events import StepOk
from provision.model.result import HostResult, Run
from provision.ray import deploy as deploy_module
from provision.ray import deployed_hosts, other_clusters
from provision.ray import prune as module
from provision.ray.deploy import deploy
from provision.ray.prune import find_prune, prune

BEFORE = "{a: {}, b: {ansible_host: 10.0.0.2}, c: {ansible_host: 10.0.0.3}}"


def inventory(folder: Path, hosts: str) -> Inventory:
    (folder / "inv.yml").write_text(
        "all: {vars: {cluster: one}}\n"
        "head: {hosts: {h: {ansible_host: 10.0.0.9}}}\n"
        f"workers: {{hosts: {hosts}}}\n"
    )
    return load(folder / "inv.yml")


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
