"""The lab's inventory, in Ansible's format, and the known hosts that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from provision.lab.keys import known_hosts
from provision.lab.paths import (
    ARTIFACTS,
    ARTIFACTS_PORT,
    REGISTRY,
    REGISTRY_PORT,
    Layout,
    Node,
)

DOWNLOADS = ("prometheus", "node_exporter", "grafana")
HEADER = "# Written by `invoke lab.up`; the paths are relative to this file.\n"


def text(layout: Layout, nodes: Sequence[Node]) -> str:
    """The inventory of *nodes*: the first is the head, the others are workers."""
    head, *workers = nodes
    inventory = {
        "all": {
            "vars": _variables(layout),
            "children": {
                "head": {"hosts": {head.name: _host(head)}},
                "workers": {"hosts": {node.name: _host(node) for node in workers}},
            },
        }
    }
    return HEADER + yaml.safe_dump(inventory, sort_keys=False)


def _variables(layout: Layout) -> dict[str, Any]:
    files = f"http://{ARTIFACTS}:{ARTIFACTS_PORT}"
    return {
        "cluster": "lab",
        "ansible_user": "admin",
        "ansible_host": "127.0.0.1",
        "ansible_ssh_private_key_file": layout.key.name,
        "known_hosts": layout.known_hosts.name,
        "docker_registry_mirrors": [f"http://{REGISTRY}:{REGISTRY_PORT}"],
        **{f"{name}_downloads": f"{files}/{name}" for name in DOWNLOADS},
        "ray_num_cpus": 1,
        "ray_object_store_memory_mb": 100,
    }


def _host(node: Node) -> dict[str, Any]:
    return {"ansible_port": node.port, "address": node.address}


def write(layout: Layout, nodes: Sequence[Node]) -> None:
    """Write the inventory and the known hosts of *nodes*."""
    _put(layout.known_hosts, known_hosts(layout, nodes))
    _put(layout.inventory, text(layout, nodes))


def _put(file: Path, content: str) -> None:
    """Write *file* at once or not at all: others may read it meanwhile."""
    part = file.with_suffix(".part")
    part.write_text(content)
    part.rename(file)
