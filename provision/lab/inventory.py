"""The lab's inventory, in Ansible's format, and its known_hosts file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from provision import atomic_file
from provision.lab.keys import known_hosts
from provision.lab.paths import (
    ARTIFACTS,
    ARTIFACTS_PORT,
    REGISTRY,
    REGISTRY_PORT,
    LabPaths,
    VirtualHost,
)

DOWNLOADS = ("prometheus", "node_exporter", "grafana")
HEADER = "# Written by `invoke lab.up`; the paths are relative to this file.\n"


def inventory_text(paths: LabPaths, hosts: Sequence[VirtualHost]) -> str:
    """Return the inventory of *hosts*: the first is the head, the others workers."""
    head, *workers = hosts
    inventory = {
        "all": {
            "vars": _variables(paths),
            "children": {
                "head": {"hosts": {head.name: _host_vars(head)}},
                "workers": {"hosts": {host.name: _host_vars(host) for host in workers}},
            },
        }
    }
    return HEADER + yaml.safe_dump(inventory, sort_keys=False)


def _variables(paths: LabPaths) -> dict[str, Any]:
    files = f"http://{ARTIFACTS}:{ARTIFACTS_PORT}"
    return {
        "cluster": "lab",
        "ansible_user": "admin",
        "ansible_host": "127.0.0.1",
        "ansible_ssh_private_key_file": paths.key.name,
        "known_hosts": paths.known_hosts.name,
        "docker_registry_mirrors": [f"http://{REGISTRY}:{REGISTRY_PORT}"],
        **{f"{name}_downloads": f"{files}/{name}" for name in DOWNLOADS},
        "ray_num_cpus": 1,
        "ray_object_store_memory_mb": 100,
    }


def _host_vars(host: VirtualHost) -> dict[str, Any]:
    return {"ansible_port": host.port, "address": host.address}


def write(paths: LabPaths, hosts: Sequence[VirtualHost]) -> None:
    """Write the inventory and the known_hosts file of *hosts*."""
    for file, text in (
        (paths.known_hosts, known_hosts(paths, hosts)),
        (paths.inventory, inventory_text(paths, hosts)),
    ):
        atomic_file.replace(file, text.encode(), mode=0o644)
