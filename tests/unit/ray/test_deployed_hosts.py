"""Hosts of former deploys are recorded without secrets; renamed ones have not left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provision.config.inventory import Inventory, load
from provision.errors import InventoryError
from provision.ray import deployed_hosts

VARS: dict[str, Any] = {
    "ansible_user": "admin",
    "ansible_password": "s3cret-login",
    "ansible_become_password": "s3cret-sudo",
    "registry_token": "s3cret-other",
    "data_dir": "/srv/ray",
    "known_hosts": "known",
}


def inventory(folder: Path, *workers: str, **hosts: dict[str, Any]) -> Inventory:
    """An inventory with a head and *workers*, loaded from *folder*."""
    numbered = {n: {"ansible_host": f"10.0.0.{n[-1]}"} for n in workers} | hosts
    data = {
        "all": {"vars": {"cluster": "lab", **VARS}},
        "head": {"hosts": {"head": {"ansible_host": "10.0.0.100"}}},
        "workers": {"hosts": numbered},
    }
    (folder / "lab.yml").write_text(json.dumps(data))
    return load(folder / "lab.yml")


def names(left: Inventory | None) -> tuple[str, ...]:
    return left.groups["left"] if left else ()


def test_hosts_that_leave_the_inventory_are_found_and_the_others_are_not(
    tmp_path: Path,
) -> None:
    before = inventory(tmp_path, "w1", "w2", "w3")
    deployed_hosts.record(before, before.hosts)
    assert deployed_hosts.left(before) is None
    left = deployed_hosts.left(inventory(tmp_path, "w1"))
    assert left and set(left.hosts) == {"head", "w2", "w3"}
    assert names(left) == ("w2", "w3") and left.groups["head"] == ("head",)
    host = left.hosts["w2"]
    assert (host.ssh_host, host.user) == ("10.0.0.2", "admin")
    assert host.known_hosts == (tmp_path / "known",)
    assert host.vars["data_dir"] == "/srv/ray"


def test_no_secret_is_recorded(tmp_path: Path) -> None:
    before = inventory(tmp_path, "w1")
    deployed_hosts.record(before, before.hosts)
    text = (tmp_path / ".provision/lab/hosts.json").read_text()
    assert "10.0.0.1" in text and "s3cret" not in text


def test_a_host_with_another_name_has_not_left(tmp_path: Path) -> None:
    before = inventory(tmp_path, "w1", "w2")
    deployed_hosts.record(before, before.hosts)
    renamed = inventory(tmp_path, "w1", rack7={"ansible_host": "10.0.0.2"})
    assert deployed_hosts.left(renamed) is None
    moved = {"ansible_host": "gw", "ansible_port": 2222, "address": "10.0.0.2"}
    assert deployed_hosts.left(inventory(tmp_path, "w1", rack7=moved)) is None


def test_cleared_hosts_are_forgotten_and_the_rest_is_still_recorded(
    tmp_path: Path,
) -> None:
    before = inventory(tmp_path, "w1", "w2", "w3")
    deployed_hosts.record(before, before.hosts)
    now = inventory(tmp_path, "w1")
    deployed_hosts.forget(now, ["w2"])
    deployed_hosts.record(now, ["w1"])
    assert names(deployed_hosts.left(now)) == ("w3",)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}'])
def test_a_broken_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    lab = inventory(tmp_path, "w1")
    deployed_hosts.record(lab, lab.hosts)
    (tmp_path / ".provision/lab/hosts.json").write_text(text)
    with pytest.raises(InventoryError, match=r"remove .*hosts.json"):
        deployed_hosts.left(lab)
