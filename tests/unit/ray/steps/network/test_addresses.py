"""Addresses as text: IPv6 in brackets wherever a port follows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis.strategies import ip_addresses

from provision.config.inventory import Inventory
from provision.config.templating import Scope
from provision.steps.network.address import bracketed, canonical, host_port


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("10.0.0.7", "10.0.0.7:90"),
        ("node1.lan", "node1.lan:90"),
        ("fd00::7", "[fd00::7]:90"),
        ("[fd00::7]", "[fd00::7]:90"),
    ],
)
def test_a_host_and_its_port(host: str, text: str) -> None:
    assert host_port(host, 90) == text


@given(ip_addresses())
@settings(max_examples=50)
def test_brackets_are_put_once_and_only_around_ipv6(address: object) -> None:
    once = bracketed(str(address))
    assert bracketed(once) == once
    assert once.strip("[]") == str(address)
    assert once.startswith("[") == (":" in str(address))


def test_templates_have_it() -> None:
    scope = Scope({"at": "fd00::7", "url": "http://{{ at | bracketed }}:{{ 90 }}/"})
    assert scope.value("url") == "http://[fd00::7]:90/"


def test_an_address_is_known_by_one_text() -> None:
    assert canonical("FD00:0:0::0007") == "fd00::7"
    assert canonical("10.0.0.7") == "10.0.0.7"
    assert canonical("node1.lan") == "node1.lan"
    found = Inventory.parse({"all": {"hosts": {"node1": {"address": "FD00:0:0:0::7"}}}})
    assert found.hosts["node1"].address == "fd00::7"
