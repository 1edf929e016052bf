"""The rules of a firewall, and the parameters that it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from provision.errors import ProbeError
from provision.model.shell import Reply
from provision.ray.steps.firewall.firewall import RayFirewall
from provision.ray.steps.firewall.rules import MOST_PORTS, chain, rules
from provision.ray.steps.node.ports import ranges

HOSTS = [{"name": "a", "address": "10.0.0.1"}, {"name": "b", "address": "10.0.0.2"}]


def firewall(**more: Any) -> RayFirewall:
    return RayFirewall(**{"cluster": "lab", "hosts": HOSTS, **more})


def test_consecutive_ports_become_a_range() -> None:
    assert list(ranges({22, 80, 81, 82, 9000, 9001, 65535})) == [
        *("22", "80:82", "9000:9001", "65535")
    ]


def test_all_ports_of_ray_are_closed_and_no_other() -> None:
    ports = firewall().desired()["iptables.ports"].split()
    assert ports == ["6379:6387", "8265", "10001:19999"]


def test_each_family_lets_in_its_own_addresses() -> None:
    state = firewall(allow=["fd00::1", "192.168.1.9/24"]).desired()
    assert state["iptables.from"] == "10.0.0.1/32 10.0.0.2/32 192.168.1.0/24"
    assert state["ip6tables.from"] == "fd00::1/128"
    assert firewall().desired()["ip6tables.from"] == "nobody"


def test_more_ports_than_a_rule_takes_make_more_rules() -> None:
    many = [str(port) for port in range(100, 140, 2)]
    *_, first, second = rules(["10.0.0.1/32"], many)
    assert first.count(",") == MOST_PORTS - 1
    assert second.count(",") == len(many) - MOST_PORTS - 1


def test_the_name_of_a_chain_fits_whatever_the_cluster_is_called() -> None:
    assert chain("lab") == "PROVISION-lab"
    names = {chain(name) for name in ("a" * 19, "b" * 60, "x/y", "x.y")}
    assert len(names) == 4
    assert max(map(len, names)) <= 28


def test_every_difference_of_a_rule_is_seen() -> None:
    step = firewall()
    lines = [f"iptables={rule}" for rule in step._rules(4)]
    for left_out in range(len(lines)):
        rest = "\n".join(lines[:left_out] + lines[left_out + 1 :])
        fields = {c.field for c in step.plan(step.observe(Reply(rest)))}
        assert {"iptables.rules", "iptables.from", "iptables.ports"} & fields


def test_a_probe_that_cannot_tell_is_an_error() -> None:
    with pytest.raises(ProbeError):
        firewall().observe(Reply("", "sh: not found", exit=127))


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"other_ports": [22]}, "SSH's port"),
        ({"ports": {"head": 22}}, "SSH's port"),
        ({"ports": {"workers_min": 20, "workers_max": 30}}, "SSH's port"),
        ({"allow": ["0.0.0.0/0"]}, "let everybody in"),
        ({"allow": ["lab.example"]}, "must be an address or a network"),
        ({"hosts": [{"name": "a", "address": "a.lan"}]}, "`address:` in the inventory"),
        ({"hosts": []}, "at least 1"),
    ],
)
def test_what_cannot_work_is_refused(params: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        firewall(**params)
