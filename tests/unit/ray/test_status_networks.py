"""The column `network` of status, and the warning of MTUs that differ."""

from __future__ import annotations

from pathlib import Path

from test_status import HOSTS, alive, healthy, ok, screen, seen

from provision.config.inventory import Inventory
from provision.model.events import Event
from provision.ray.head import dashboard, head_steps
from provision.ray.steps.network.ray_network import RayNetwork

__all__ = ["seen"]  # a fixture
ONE = "network.at.eth0 10.0.0.{n}/24"
OTHER = "network.at.eth1 10.9.0.{n}/16"


def networks(number: int, mtu: int, *, several: bool) -> dict[str, str]:
    places = {ONE.format(n=number): f"{mtu} up"}
    if several:
        places[OTHER.format(n=number)] = "9000 up"
    return {**places, "chosen": f"eth0 10.0.0.{number}/24 {mtu}"}


def events(*, several: bool, last_mtu: int = 1500) -> list[Event]:
    found = [*healthy(*HOSTS), ok("node1", "ray_nodes", alive(1, 2, 3))]
    for number in (1, 2):
        state = networks(number, 1500, several=several)
        found.append(ok(f"node{number}", RayNetwork.kind, state))
    third = networks(3, last_mtu, several=False)
    return [*found, ok("node3", RayNetwork.kind, third)]


def test_it_is_there_where_some_host_has_several(
    seen: list[Event], tmp_path: Path
) -> None:
    seen += events(several=True)
    _, lines = screen(tmp_path)
    assert lines[0].split()[:3] == ["host", "address", "network"]
    assert [line.split()[2] for line in lines[1:4]] == ["eth0"] * 3


def test_it_is_not_there_where_each_host_has_one(
    seen: list[Event], tmp_path: Path
) -> None:
    seen += events(several=False)
    _, lines = screen(tmp_path)
    assert "network" not in lines[0].split()


def test_the_interface_of_a_host_is_unknown_where_nobody_could_look(
    seen: list[Event], tmp_path: Path
) -> None:
    seen += [*events(several=True)[:-1], ok("node3", RayNetwork.kind, {})]
    _, lines = screen(tmp_path)
    assert lines[3].split()[2] == "unknown"


def test_hosts_with_another_mtu_are_named(seen: list[Event], tmp_path: Path) -> None:
    seen += events(several=False, last_mtu=9000)
    _, lines = screen(tmp_path)
    text = " ".join(" ".join(lines).split())
    assert "the MTU differs between hosts: 1500 on node1 (eth0), node2 (eth0)" in text
    assert "9000 on node3 (eth0)" in text


def test_the_dashboard_of_a_head_with_ipv6_has_a_url_for_browsers() -> None:
    hosts = {"head": {"hosts": {"node1": {"address": "fd00::1"}}}, "workers": {}}
    inventory = Inventory.parse(hosts, cluster="lab")
    found = dashboard(inventory, head_steps(inventory, "deploy", {}))
    assert found is not None
    assert found.url == "http://[fd00::1]:8265"
