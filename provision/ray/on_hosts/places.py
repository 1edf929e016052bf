"""Places on the hosts that a deploy has made, as playbook and inventory name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.config.inventory import Inventory
from provision.errors import InventoryError
from provision.ray.head import PLAYBOOK, head_steps, node_names
from provision.ray.steps.node.base import container_name
from provision.ray.steps.node.roles import RayHeadProcess
from provision.ray.steps.nodes import RayNodes
from provision.steps.network.address import host_port

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


@dataclass(frozen=True, slots=True)
class RayPlace:
    """The place where commands find Ray on each host.

    Attributes:
        container: the name of its container; "" = it is a process of the host.
        runner: the script of the host that runs a command with the environment of that
            process; "" = it is in a container.
        address: where the process of the head listens, for commands of Ray; "" = not needed.
    """

    container: str = ""
    runner: str = ""
    address: str = ""

    @property
    def folder(self) -> str:
        """The folder of the process; "" = it is in a container."""
        return self.runner.removesuffix("/run")

    def words(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return the program and its arguments that do *words* there.

        One word is a line for `sh`, as everywhere.
        """
        if not (self.address and words):
            return words
        whole = words if len(words) > 1 else ("sh", "-c", *words)
        return ("env", f"RAY_ADDRESS={self.address}", *whole)


def ray_place(inventory: Inventory, sets: Mapping[str, Any] | None = None) -> RayPlace:
    """Return where Ray is on the hosts, in either runtime.

    Raises:
        InputErrors: Ray is a process there, and inventory or playbook are wrong.
        InventoryError: the playbook has no process for the head.
    """
    # Of the variable alone: commands in a container also work where no playbook can be bound.
    if _runtime(inventory, sets) == DOCKER:
        return RayPlace(container_name(inventory.cluster))
    for step in head_steps(inventory, PLAYBOOK, sets or {}):
        if isinstance(step, RayHeadProcess):
            address = host_port(step.address, step.ports.head)
            return RayPlace(runner=f"{step.folder}/run", address=address)
    raise InventoryError(
        f"the playbook {PLAYBOOK} has no step ray_head_process for a head",
        hint="put a host into the group `head`",
    )


def ray_container(inventory: Inventory, sets: Mapping[str, Any] | None = None) -> str:
    """Return the name of Ray's container on each host.

    Raises:
        InventoryError: Ray is a process of the hosts there, and no container.
    """
    runtime = _runtime(inventory, sets)
    if runtime != DOCKER:
        raise InventoryError(
            f"Ray runs in no container here: `{RUNTIME}` is {runtime}",
            hint="files and programs are those of the hosts themselves; for the rest see "
            "docs/runtimes.md",
        )
    return container_name(inventory.cluster)


def _runtime(inventory: Inventory, sets: Mapping[str, Any] | None) -> str:
    """Return the runtime of the cluster."""
    given = (sets or {}).get(RUNTIME)
    of_hosts = (
        inventory.hosts[name].vars.get(RUNTIME) for name in node_names(inventory)
    )
    others = (one for one in ([given] if given else of_hosts) if one and one != DOCKER)
    return str(next(others, DOCKER))
