"""Places on the hosts that a deploy has made, as playbook and inventory name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.config.inventory import Inventory
from provision.errors import InventoryError
from provision.ray.head import PLAYBOOK, head_steps, node_names
from provision.ray.steps.node.base import container_name
from provision.ray.steps.nodes import RayNodes

RUNTIME, DOCKER = "ray_runtime", "docker"
"""The variable, and its default."""


def ray_nodes(inventory: Inventory, sets: Mapping[str, Any]) -> RayNodes:
    """Return the step that has the address of Ray's dashboard, and Ray's folder.

    Raises:
        InventoryError: there is no head, or the playbook has no such step.
    """
    for step in head_steps(inventory, PLAYBOOK, sets):
        if isinstance(step, RayNodes):
            return step
    raise InventoryError(
        f"the playbook {PLAYBOOK} has no step ray_nodes for a head",
        hint="put a host into the group `head`; the step has the address of the dashboard",
    )


def data_dir(inventory: Inventory, sets: Mapping[str, Any]) -> str:
    """Return the folder that Ray has on each host.

    Raises:
        InventoryError: as for `ray_nodes`.
    """
    return ray_nodes(inventory, sets).data_dir


def ray_container(inventory: Inventory, sets: Mapping[str, Any] | None = None) -> str:
    """Return the name of Ray's container on each host.

    Raises:
        InventoryError: Ray is a process of the hosts there, and no container.
    """
    # Of the variable alone: these commands also work where no playbook can be bound.
    given = (sets or {}).get(RUNTIME)
    of_hosts = (
        inventory.hosts[name].vars.get(RUNTIME) for name in node_names(inventory)
    )
    for runtime in [given] if given else of_hosts:
        if runtime and runtime != DOCKER:
            raise InventoryError(
                f"Ray runs in no container here: `{RUNTIME}` is {runtime}",
                hint="`exec` and `shell` without --container work on the hosts themselves; for "
                "the rest see docs/runtimes.md",
            )
    return container_name(inventory.cluster)
