"""The inventories of the project can be used as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config import inventory as inventories
from provision.config import playbook as playbooks
from provision.config.playbook import Bound
from provision.model.change import State
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

FILES = sorted((Path(__file__).parents[3] / "inventories").glob("*.yml"))
PLAYBOOKS = {"nfs.example": "nfs"}
"""The playbook of an inventory that is not for `deploy`."""


def bound(path: Path, folder: Path, playbook: str) -> Bound:
    book = playbooks.load(playbooks.find(playbook))
    secrets = Secrets(folder, SecretMode.READ, Credentials())
    return playbooks.bind(book, inventories.load(path), secrets=secrets)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_playbook_can_be_bound_to_it(path: Path, tmp_path: Path) -> None:
    found = bound(path, tmp_path, PLAYBOOKS.get(path.stem, "deploy"))
    assert found.warnings == ()
    assert inventories.load(path).cluster == path.stem


def test_a_rack_of_nfs_servers_needs_no_ray(tmp_path: Path) -> None:
    [path] = [path for path in FILES if path.stem == "nfs.example"]
    found = bound(path, tmp_path, "nfs")
    steps = [
        item.step for play in found.plays for row in play.steps.values() for item in row
    ]
    assert {type(step).__module__.split(".")[1] for step in steps} == {"steps"}
    assert inventories.load(path).lock_host(found.groups).name == "store1"
    wanted = {
        host: item.step.desired()
        for play in found.plays
        for host, row in play.steps.items()
        for item in row
        if item.step.kind in ("nfs_export", "mount")
    }
    assert wanted["store2"]["/srv/archive desk1"] == "exported"
    assert "rw,sync" in wanted["store2"]["file"]
    assert wanted["desk3"]["mounted /nfs/store2"] == "192.0.2.52:/srv/archive"


def test_nothing_is_exported_when_there_is_no_client(tmp_path: Path) -> None:
    path = tmp_path / "rack.yml"
    path.write_text("servers: {hosts: {a: }}\nclients:\n")
    [play, *_] = bound(path, tmp_path, "nfs").plays
    [exports] = [i.step for i in play.steps["a"] if i.step.kind == "nfs_export"]
    assert exports.desired() == {}


def test_there_are_inventories() -> None:
    assert {path.stem for path in FILES} >= {"example", "lab", "localhost"}


def test_the_rack_with_gpus_is_what_its_comments_say(tmp_path: Path) -> None:
    [path] = [path for path in FILES if path.stem == "gpu_rack"]
    found = bound(path, tmp_path, "deploy")
    nodes: dict[str, dict[str, Any]] = {}
    mounts: dict[str, State] = {}
    exports: dict[str, State] = {}
    for play in found.plays:
        for host, row in play.steps.items():
            for step in (item.step for item in row):
                if step.kind in {"ray_head", "ray_worker"}:
                    nodes[host] = step.model_dump()
                elif step.kind == "ray_shared_mount":
                    mounts[host] = step.desired()
                elif step.kind == "ray_shared_export":
                    exports[host] = step.desired()
    assert {
        host: node["gpus"] for host, node in nodes.items() if host[:3] == "gpu"
    } == {f"gpu{n}": True for n in (1, 2, 3, 4)}
    assert (nodes["login1"]["gpus"], nodes["login1"]["num_cpus"]) == (False, 0)
    assert nodes["arm1"]["image"].endswith("-aarch64")
    assert nodes["store1"]["mounts"] == ()
    assert nodes["gpu1"]["limits"]["memlock"] == -1, "unlimited, as Docker has it"
    assert mounts["gpu1"]["mounted /data"] == "192.0.2.40:/srv/data"
    assert mounts["store1"] == {}
    assert set(exports) == {"store1"}
