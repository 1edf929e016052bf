"""Commands about Ray's container, on a cluster whose Ray is a process of the hosts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision import api
from provision.errors import InventoryError

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
        lambda at: api.execute(at, "true", container=True),
        lambda at: api.ray_command(at, "status"),
        lambda at: api.copy(at, "setup.cfg", "node1:/tmp/", container=True),
        lambda at: api.commit(at, "node1", "lab/ray:mine"),
        api.stop,
        api.start,
        lambda at: api.restart(at, limit="node2"),
    ],
    ids=["exec", "ray", "cp", "commit", "stop", "start", "restart"],
)
def test_it_is_refused_before_a_host_is_contacted(
    command: Callable[[str], Any], tmp_path: Path
) -> None:
    inventory = tmp_path / "pip.yml"
    inventory.write_text(yaml.safe_dump(CLUSTER))
    with pytest.raises(InventoryError, match="Ray runs in no container here"):
        command(str(inventory))
