"""Other clusters on a host are found, and what they share with one that goes stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config import playbook as playbooks
from provision.config.inventory import Host, Inventory, load
from provision.config.playbook import bind
from provision.errors import ConnectError
from provision.model.shell import Reply
from provision.ray import other_clusters as module
from provision.ray.other_clusters import other_clusters
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

INVENTORY = """
all: {vars: {cluster: one}}
head: {hosts: {a: {}}}
workers: {hosts: {b: {}, c: {}}}
"""
CLUSTERS = {
    "a": "one=data\none=container\n",
    "b": "one=data\ntwo=data\nthree=container\n",
}


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    (tmp_path / "inv.yml").write_text(INVENTORY)
    return load(tmp_path / "inv.yml")


def test_other_clusters_are_found_and_a_host_that_is_away_is_not(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(host: Host, *_: Any) -> Reply:
        if host.name == "c":
            raise ConnectError("away")
        return Reply(CLUSTERS[host.name])

    monkeypatch.setattr(module, "ask", ask)
    found = other_clusters("one", inventory.hosts.values())
    assert found == {"b": ["three", "two"]}


@pytest.mark.parametrize("shared", [(), ("a", "b")])
def test_a_teardown_leaves_shared_parts_of_such_hosts(
    inventory: Inventory, tmp_path: Path, shared: tuple[str, ...]
) -> None:
    book = playbooks.load(playbooks.find("teardown"))
    secrets = Secrets(tmp_path, SecretMode.READ, Credentials())
    sets = {"shared": list(shared)}
    bound = bind(book, inventory, secrets=secrets, sets=sets, tags=["cluster"])
    plays = {play.name: {*play.steps} for play in bound.plays}
    assert plays["exporters"] == {"a", "b", "c"} - {*shared}
    assert plays["metrics"] == plays["series"] == {"a"} - {*shared}
    assert plays["workers"] == {"b", "c"} and plays["head"] == {"a"}
