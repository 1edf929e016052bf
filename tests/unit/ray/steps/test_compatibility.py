"""`--limit`, and changes after which nodes could not work in one cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.ray_nodes import head, running, worker

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.errors import RefusedError
from provision.model.shell import Reply
from provision.ray.steps.node.base import RayNode
from provision.secrets.credentials import Credentials
from provision.secrets.store import SecretMode, Secrets

LEFT = ("node1", "node3")


@pytest.mark.parametrize("make", [head, worker])
@pytest.mark.parametrize("keep_usable", [True, False])
def test_another_ray_is_refused_for_a_node_that_works(
    make: Any, keep_usable: bool
) -> None:
    before = make()
    after = make(image="rayproject/ray:2.61.0", left_out=LEFT, keep_usable=keep_usable)
    with pytest.raises(
        RefusedError, match=r"2.60.0 and 2.61.0 cannot mix.*node1 and node3"
    ):
        after.plan(after.observe(running(before)))


def test_a_node_that_works_no_more_is_brought_to_the_others() -> None:
    sick = "cannot reach the head at 10.0.0.1:6379"
    after = worker(image="rayproject/ray:2.61.0", left_out=LEFT)
    assert after.plan(after.observe(running(worker(), sick)))
    assert after.plan(after.observe(Reply())), "nor is there one"


def test_what_nodes_can_differ_in_is_changed() -> None:
    after = worker(num_cpus=2, left_out=LEFT)
    assert after.plan(after.observe(running(worker(num_cpus=1))))


def test_all_nodes_at_once_are_changed() -> None:
    after = worker(image="rayproject/ray:2.61.0")
    assert after.plan(after.observe(running(worker())))


@pytest.mark.parametrize(
    ("limit", "left_out"),
    [("", ()), ("workers", ("node1",)), ("all:!node2", ("node2",))],
)
def test_the_playbook_names_the_nodes_that_are_left_out(
    limit: str, left_out: tuple[str, ...]
) -> None:
    lab = Inventory.parse(
        {
            "head": {"hosts": {"node1": {}}},
            "workers": {"hosts": {"node2": {}, "node3": {}}},
            "others": {"hosts": {"nfs": {}}},
        },
        cluster="lab",
    )
    book = playbooks.load(playbooks.find("deploy"))
    secrets = Secrets(Path("/nowhere"), SecretMode.READ, Credentials(environment={}))
    bound = playbooks.bind(book, lab, secrets=secrets, limit=limit)
    steps = [
        item.step
        for play in bound.plays
        for row in play.steps.values()
        for item in row
        if isinstance(item.step, RayNode)
    ]
    assert {step.left_out for step in steps} == {left_out}
