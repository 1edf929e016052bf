"""A port of Ray that a user chooses is the one that everything else asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.nodes import RayNodes
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

PLAYBOOKS = Path(__file__).parents[4] / "playbooks"
HOSTS = {
    "head": {"hosts": {"node1": {"address": "10.0.0.1"}}},
    "workers": {"hosts": {"node2": {"address": "10.0.0.2"}}},
}


@pytest.mark.parametrize("name", ["deploy", "rollback"])
@pytest.mark.parametrize(
    ("chosen", "asked"), [({}, Ports().dashboard), ({"dashboard": 9265}, 9265)]
)
def test_the_nodes_are_asked_of_the_dashboard_where_it_is(
    tmp_path: Path, name: str, chosen: dict[str, int], asked: int
) -> None:
    book = playbooks.load(PLAYBOOKS / f"{name}.yml")
    secrets = Secrets(tmp_path, SecretMode.GENERATE, Credentials(environment={}))
    lab = Inventory.parse(HOSTS, cluster="lab")
    bound = playbooks.bind(book, lab, secrets=secrets, sets={"ray_ports": chosen})
    rows = [row for play in bound.plays for row in play.steps.values()]
    nodes = [one.step for row in rows for one in row if isinstance(one.step, RayNodes)]
    assert [step.dashboard_port for step in nodes] == [asked]
