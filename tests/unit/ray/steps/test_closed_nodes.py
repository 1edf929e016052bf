"""Nodes that Ray calls ALIVE, and that the head does not reach."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from provision.config.inventory.host import Host
from provision.model.shell import Reply
from provision.ray.steps.nodes import RayNodes


def listed(**states: str) -> Reply:
    nodes = [
        {"node_ip": ip.replace("_", ".").removeprefix("ip"), "state": state}
        for ip, state in states.items()
    ]
    body = json.dumps({"data": {"result": {"result": nodes}}})
    return Reply(f"HTTP/1.0 200 OK\r\nContent-Type: x\r\n\r\n{body}")


NODES = RayNodes(
    nodes=(
        SimpleNamespace(name="node1", address="10.0.0.1"),
        SimpleNamespace(name="node2", address="10.0.0.2"),
    ),
    data_dir="/var/lib/provision/lab",
    dashboard_host="10.0.0.1",
)


CLOSED = "connection to 10.0.0.2:6381: {}\n"


def closed(why: str, nodes: RayNodes = NODES) -> list[str]:
    """Return the changes where a port of the second of two ALIVE nodes is closed."""
    reply = listed(ip10_0_0_1="ALIVE", ip10_0_0_2="ALIVE")
    found = Reply(CLOSED.format(why) + reply.stdout)
    return [str(change) for change in nodes.plan(nodes.observe(found))]


@pytest.mark.parametrize("why", ["no answer", "No route to host", "refused"])
def test_a_node_that_is_alive_behind_a_firewall_differs(why: str) -> None:
    [change] = closed(why)
    said = f"ALIVE, but TCP 6381 is closed to the head: {why}"
    assert change == f"node2 (10.0.0.2): {said} -> ALIVE"
    advice = NODES.advice(f"it still differs: {change}")
    assert "a firewall of 10.0.0.2 or on the way drops it" in advice
    assert "`ufw allow proto tcp from 10.0.0.1 to any port 6380:6385," in advice


def test_a_firewall_is_not_waited_for() -> None:
    state = {"node1 (10.0.0.1)": "ALIVE", "node2 (10.0.0.2)": "ALIVE"}
    closed, starting = (
        {
            **state,
            "node2 (10.0.0.2)": f"ALIVE, but TCP 6380 is closed to the head: {why}",
        }
        for why in ("no answer", "refused")
    )
    assert NODES.hopeless(closed, closed) == "the head does not reach node2"
    assert NODES.hopeless(starting, closed) == "", "it may come yet"
    assert NODES.hopeless(starting, starting) == ""
    assert NODES.hopeless({}, state) == NODES.hopeless(state, state) == ""


def test_a_node_with_other_ports_is_not_blamed_on_a_firewall() -> None:
    hosts = [Host("node1", vars={"ansible_host": "10.0.0.1"})]
    about = {"ansible_host": "10.0.0.2", "ray_ports": {"object_manager": 7000}}
    hosts.append(Host("node2", vars=about))
    nodes = RayNodes(nodes=hosts, data_dir="/d", dashboard_host="h")
    assert closed("refused", nodes) == []
    assert closed("no answer", nodes) != [], "it does not answer at all"


def test_a_node_that_is_not_alive_is_only_that() -> None:
    reply = listed(ip10_0_0_1="ALIVE", ip10_0_0_2="DEAD")
    found = Reply(CLOSED.format("no answer") + reply.stdout)
    [change] = NODES.plan(NODES.observe(found))
    assert str(change) == "node2 (10.0.0.2): DEAD -> ALIVE"
    assert NODES.observe(Reply(CLOSED.format("refused"))) == {}, "Ray does not answer"
