"""Bad inputs of `ray_runtime: pip` that are told before a host is contacted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.errors import InputError, InputErrors
from provision.ray.steps.node.roles import RayHeadProcess, RayWorkerProcess
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

DEPLOY = Path(__file__).parents[4] / "playbooks/deploy.yml"
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a Ray without tokens": (
        {"ray_version": "2.49.2"},
        "ray:2.49.2 is older than Ray 2.52, the first that can ask for a token",
    ),
    "a folder that is not there": (
        {"ray_wheels": "/nowhere/wheels"},
        "/nowhere/wheels cannot be read here",
    ),
    "constraints that are not there": (
        {"ray_constraints": "/nowhere/constraints.txt"},
        "/nowhere/constraints.txt cannot be read here",
    ),
    "no requirement": (
        {"ray_packages": ["--pre"]},
        "'--pre' is no requirement",
    ),
    "no program": ({"ray_python": "python3; reboot"}, "the path of a program"),
    "a limit that does not exist": (
        {"ray_limits": {"memlok": -1}},
        "memlok is no limit",
    ),
    "an option that is ours": (
        {"ray_start_args": ["--port=1"]},
        "--port is set by ray_ports",
    ),
}


def bind(folder: Path, sets: dict[str, Any], **worker: Any) -> playbooks.Bound:
    hosts = {
        "head": {"hosts": {"node1": {"address": "10.0.0.1"}}},
        "workers": {"hosts": {"node2": {"address": "10.0.0.2", **worker}}},
    }
    secrets = Secrets(folder, SecretMode.GENERATE, Credentials(environment={}))
    return playbooks.bind(
        playbooks.load(DEPLOY),
        Inventory.parse(hosts, cluster="lab"),
        secrets=secrets,
        sets={"ray_runtime": "pip", **sets},
    )


@pytest.mark.parametrize("what", BAD)
def test_it_is_refused_with_what_is_wrong(what: str, tmp_path: Path) -> None:
    sets, words = BAD[what]
    with pytest.raises((InputError, InputErrors)) as caught:
        bind(tmp_path, sets)
    assert words in str(caught.value)


def test_a_worker_with_another_ray_than_the_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Ray 2\.59\.0, and the head 2\.60\.0"):
        bind(tmp_path, {}, ray_version="2.59.0")
    bind(tmp_path, {}, ray_version="2.60.0")


def test_a_node_has_what_is_set_for_it(tmp_path: Path) -> None:
    bound = bind(tmp_path, {"ray_version": "2.59.0", "ray_limits": {"stack": 1 << 26}})
    rows = [row for play in bound.plays for row in play.steps.values()]
    nodes = [
        item.step
        for row in rows
        for item in row
        if isinstance(item.step, RayHeadProcess | RayWorkerProcess)
    ]
    assert {step.ray_version for step in nodes} == {"2.59.0"}
    assert {step.limits["stack"] for step in nodes} == {1 << 26}
