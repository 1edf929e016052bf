"""The head of a cluster: the host, its steps in the playbook, and Ray's dashboard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provision.config import playbook as playbooks
from provision.config.inventory import Host, Inventory
from provision.errors import InventoryError
from provision.model.step import Step
from provision.ray.steps.nodes import RayNodes
from provision.secrets.store import SecretMode, Secrets
from provision.steps.network.address import host_port

PLAYBOOK = "deploy"
"""The playbook that brings Ray to the hosts."""
HEAD = "head"
WORKERS = "workers"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Ray's dashboard.

    Attributes:
        url: its address for a browser.
        host: the host it runs on.
        token_file: the file on that host with the token that it requires.
    """

    url: str
    host: str
    token_file: str


def head_of(inventory: Inventory) -> Host:
    """Return the head of the cluster.

    Raises:
        InventoryError: it has none.
    """
    for name in inventory.groups.get(HEAD, ()):
        return inventory.hosts[name]
    raise InventoryError(
        "the inventory has no group `head`",
        hint="put the host that runs Ray's head into a group named `head`",
    )


def node_names(inventory: Inventory) -> set[str]:
    """Return the hosts that run Ray."""
    groups = inventory.groups
    return {*groups.get(HEAD, ()), *groups.get(WORKERS, ())}


def head_steps(
    inventory: Inventory, playbook: str, sets: Mapping[str, Any]
) -> Iterator[Step]:
    """Yield the steps that *playbook* has for the head; none if there is no head.

    Raises:
        InputErrors: inventory or playbook are wrong.
    """
    heads = inventory.groups.get(HEAD, ())
    if not heads:
        return
    bound = playbooks.bind(
        playbooks.load(playbooks.find(playbook), inventory.credentials),
        inventory,
        secrets=stored_secrets(inventory),
        sets=sets,
        limit=heads[0],
    )
    for play in bound.plays:
        for row in play.steps.values():
            yield from (item.step for item in row)


def stored_secrets(inventory: Inventory) -> Secrets:
    """Return the secrets of a cluster, of which none is generated."""
    return Secrets(inventory.state_dir, SecretMode.READ, inventory.credentials)


def dashboard(inventory: Inventory, steps: Iterable[Step]) -> Dashboard | None:
    """Return the dashboard that *steps* of the head set up; None if they do not."""
    for step in steps:
        if isinstance(step, RayNodes):
            url = f"http://{host_port(step.dashboard_host, step.dashboard_port)}"
            token_file = f"{step.data_dir}/auth_token"
            return Dashboard(url, head_of(inventory).name, token_file)
    return None
