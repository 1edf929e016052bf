"""Commands about Ray's container, on a cluster whose Ray is a process of the hosts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision import api
from provision.config.inventory import load
from provision.errors import InventoryError
from provision.ray.on_hosts.places import ray_place
from provision.ray.on_hosts.verbs import terminal_line

CLUSTER: dict[str, Any] = {
    "all": {
        "vars": {"cluster": "lab", "ray_runtime": "pip", "metrics": False},
        "children": {
            "head": {"hosts": {"node1": {"address": "192.0.2.1"}}},
            "workers": {"hosts": {"node2": {"address": "192.0.2.2"}}},
        },
    }
}


@pytest.mark.parametrize(
    "command",
    [
        lambda at: api.copy(at, "setup.cfg", "node1:/tmp/", container=True),
        lambda at: api.commit(at, "node1", "lab/ray:mine"),
    ],
    ids=["cp", "commit"],
)
def test_it_is_refused_before_a_host_is_contacted(
    command: Callable[[str], Any], tmp_path: Path
) -> None:
    inventory = tmp_path / "pip.yml"
    inventory.write_text(yaml.safe_dump(CLUSTER))
    with pytest.raises(InventoryError, match="Ray runs in no container here"):
        command(str(inventory))


def test_commands_with_rays_environment_know_the_process(tmp_path: Path) -> None:
    inventory = tmp_path / "pip.yml"
    inventory.write_text(yaml.safe_dump(CLUSTER))
    place = ray_place(load(inventory))
    assert place.runner == "/var/lib/provision-lab/process/run"
    assert place.container == ""
    ray = ("env", "RAY_ADDRESS=192.0.2.1:6379")
    assert place.words(("ray", "status")) == (*ray, "ray", "status")
    assert place.words(("ray status | head",)) == (
        *ray,
        "sh",
        "-c",
        "ray status | head",
    )
    assert terminal_line(("python",), "", place.runner, root=False).count(place.runner)


def test_stop_and_start_are_bound_for_processes(tmp_path: Path) -> None:
    inventory = tmp_path / "pip.yml"
    inventory.write_text(yaml.safe_dump(CLUSTER))
    assert api.prepare_stop(inventory).hosts == ("node1", "node2")
    assert api.prepare_start(inventory, limit="node2").hosts == ("node2",)
