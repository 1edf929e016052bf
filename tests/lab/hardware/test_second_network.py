"""Hosts that get a second network while they run: what a plan says of the right and the wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lab.host_state import root_shell
from support.lab.networks import interface, inventory, plan, second

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

STARTED = "stat -c %Y /proc/1"
REACH = "timeout 5 bash -c 'exec 3<>/dev/tcp/{address}/22 && head -c 4 <&3'"
ADDRESSES = "ip -o addr show | awk '{ print $4 }'"


@pytest.fixture
def hosts(running_lab: list[lab.VirtualHost]) -> Iterator[list[lab.VirtualHost]]:
    """The hosts of the lab, in whatever state, with two networks; with one afterwards."""
    yield lab.up(3, progress=print, networks=2)
    lab.up(3, progress=print, networks=1)


def test_hosts_join_a_second_network_while_they_run_and_a_plan_knows_it(
    running_lab: list[lab.VirtualHost],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    before = [root_shell(host.name, STARTED) for host in running_lab]
    hosts: list[lab.VirtualHost] = request.getfixturevalue("hosts")
    assert [root_shell(host.name, STARTED) for host in hosts] == before
    for address in (hosts[1].second_address, hosts[1].second_address6):
        assert root_shell("node1", REACH.format(address=address)) == "SSH-"
    _refused(tmp_path, hosts)
    _warned(tmp_path, hosts)
    lab.up(3, progress=print, networks=1)
    assert "172.30.78." not in root_shell("node1", ADDRESSES)
    assert [root_shell(host.name, STARTED) for host in hosts] == before


def _refused(folder: Path, hosts: list[lab.VirtualHost]) -> None:
    """An interface with another address than the host's is refused, with the line to write."""
    file = inventory(folder, lambda host: host.address)
    done, words = plan(file, "--set", "ray_interface=172.30.78.0/24")
    assert done.code == 2, words
    assert f"`address: {hosts[2].second_address}`" in words
    done, words = plan(file, "--set", "ray_interface=eth9")
    assert done.code == 2, words
    assert "this host has no interface eth9" in words


def _warned(folder: Path, hosts: list[lab.VirtualHost]) -> None:
    """Hosts with addresses in two networks are told whose packets leave by the other one."""
    first, *others = hosts
    mixed = inventory(
        folder, lambda host: host.address if host == first else second(host)
    )
    _, words = plan(mixed)
    leaves = ", ".join(f"{host.name} ({host.second_address})" for host in others)
    by = interface(first, first.second_address)
    assert f"packets to {leaves} leave by {by}" in words
