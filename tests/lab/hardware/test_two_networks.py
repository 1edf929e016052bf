"""A lab whose hosts have two networks: a cluster on the second one, and one of IPv6 alone.

The hosts are bare before and after. What needs no deploy is in test_second_network.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from cryptography import x509
from support.lab.commands import invoke, invoke_with_report
from support.lab.host_state import root_shell
from support.lab.networks import interface, inventory, plan, second, second_ipv6

from provision import lab

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(900)]

NAMES = ("node1", "node2", "node3")
NODES = """
docker exec -i ray-lab python3 -c '
import ray
ray.init(address="auto", log_to_driver=False, logging_level="error")
print(*sorted(n["NodeManagerAddress"] for n in ray.nodes() if n["Alive"]))
'
"""
VARIABLES = (
    "docker exec ray-lab sh -c 'echo $NCCL_SOCKET_IFNAME $GLOO_SOCKET_IFNAME "
    "$UCX_NET_DEVICES $VLLM_HOST_IP'"
)
TARGETS = "curl -sf 'http://[{address}]:9090/api/v1/targets?state=active'"


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[lab.VirtualHost]]:
    """Three bare hosts with two networks; the lab is as usual afterwards."""
    found = lab.up(3, progress=print, networks=2)
    lab.reset()
    yield found
    lab.up(3, progress=print, networks=1)
    lab.reset()


def certified(host: lab.VirtualHost) -> list[IPv4Address | IPv6Address]:
    """The addresses that the certificate of *host* is for."""
    text = root_shell(host.name, "cat /var/lib/provision-lab/tls/node.crt")
    certificate = x509.load_pem_x509_certificate(text.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    found = names.value.get_values_for_type(x509.IPAddress)
    return [one for one in found if isinstance(one, IPv4Address | IPv6Address)]


def test_a_wrong_network_is_refused_before_anything_is_changed(
    tmp_path: Path, hosts: list[lab.VirtualHost]
) -> None:
    file = inventory(tmp_path, lambda host: host.address)
    done, words = plan(file, "--set", "ray_interface=eth9")
    assert done.code == 2, words
    assert "this host has no interface eth9" in words and "172.30.78.12/24" in words
    done, words = plan(file, "--set", "ray_interface=172.30.78.0/24")
    assert done.code == 2, words
    assert "172.30.78.13/24, and the address of this host in the cluster is" in words
    assert "`address: 172.30.78.13`" in words
    done, words = plan(file, "--set", "ray_interface=10.99.0.0/16")
    assert "no interface of this host has an address in 10.99.0.0/16" in words
    wrong = inventory(tmp_path, lambda host: f"172.30.78.{200 + host.number}")
    deployed = invoke("deploy", "--inventory", wrong)
    said = " ".join(deployed.output.split())
    assert deployed.code == 2, said
    assert "no interface of this host has the address 172.30.78.203" in said
    for host in hosts:
        found = root_shell(host.name, "command -v dockerd || echo none")
        assert found.strip() == "none"


def test_networks_that_do_not_fit_are_told_with_the_hosts_names(
    tmp_path: Path, hosts: list[lab.VirtualHost]
) -> None:
    node2, node3 = hosts[1:]
    other = interface(node2, node2.address)
    last = interface(node3, node3.second_address)
    root_shell("node2", f"ip addr add 172.30.78.112/24 dev {other}")
    root_shell("node3", f"ip link set {last} mtu 1400")
    try:
        done, words = plan(inventory(tmp_path, second))
    finally:
        root_shell("node2", f"ip addr del 172.30.78.112/24 dev {other}")
        root_shell("node3", f"ip link set {last} mtu 1500")
    assert done.code == 3, words
    assert f"172.30.78.12/24 and {other} 172.30.78.112/24 are in one subnet" in words
    assert "the MTU differs between hosts: 1500 on node1 (eth" in words
    assert f"1400 on node3 ({last})" in words
    mixed = inventory(
        tmp_path, lambda host: host.address if host.number == 1 else second(host)
    )
    _, words = plan(mixed)
    assert "packets to node2 (172.30.78.12), node3 (172.30.78.13) leave by eth" in words


def test_a_host_that_knows_no_way_to_the_head_is_refused(
    tmp_path: Path, hosts: list[lab.VirtualHost]
) -> None:
    head = lab.VirtualHost(1)
    file = inventory(
        tmp_path, lambda host: host.address if host == head else second(host)
    )
    root_shell("node2", f"ip route add unreachable {hosts[0].address}/32")
    try:
        done, words = plan(file, "--limit", "node2")
    finally:
        root_shell("node2", f"ip route del unreachable {hosts[0].address}/32")
    assert done.code == 2, words
    assert "this host knows no way to node1 (172.30.77.11)" in words


def test_a_cluster_is_on_the_second_network(
    tmp_path: Path, hosts: list[lab.VirtualHost]
) -> None:
    file = inventory(tmp_path, second, ray_interface="172.30.78.0/24")
    invoke("deploy", "--inventory", file).expect_exit(0)
    assert root_shell("node1", NODES).split() == [h.second_address for h in hosts]
    for host in hosts:
        name = interface(host, host.second_address)
        said = root_shell(host.name, VARIABLES).split()
        assert said == [f"={name}", name, name, host.second_address]
    done, report = invoke_with_report(
        "deploy", "--inventory", file, report=tmp_path / "report.json"
    )
    assert done.code == 0, done.output
    for name in NAMES:
        assert report["hosts"][name]["changed"] == 0
        assert report["hosts"][name]["round_trips"] == 1
    shown = invoke("status", "--inventory", file).expect_exit(0).output
    [row] = [line for line in shown.splitlines() if line.startswith("node3")]
    name = interface(hosts[2], hosts[2].second_address)
    assert row.split()[:3] == ["node3", "172.30.78.13", name]


def test_a_cluster_of_ipv6_alone_with_tls_firewall_and_metrics(
    tmp_path: Path, hosts: list[lab.VirtualHost]
) -> None:
    lab.reset()
    file = inventory(tmp_path, second_ipv6, metrics=True, ray_tls=True, firewall=True)
    invoke("deploy", "--inventory", file).expect_exit(0)
    addresses = [host.second_address6 for host in hosts]
    assert root_shell("node1", NODES).split() == addresses
    assert root_shell("node2", VARIABLES).split()[-1] == addresses[1]
    rules = root_shell("node2", "ip6tables -S PROVISION-lab")
    assert all(f"-s {address}/128 -j RETURN" in rules for address in addresses)
    assert ip_address(addresses[2]) in certified(hosts[2])
    answer = json.loads(root_shell("node1", TARGETS.format(address=addresses[0])))
    targets = answer["data"]["activeTargets"]
    up = {t["labels"]["instance"] for t in targets if t["health"] == "up"}
    assert {f"[{address}]:9100" for address in addresses} <= up
    invoke("smoke", "--inventory", file).expect_exit(0)
    again, report = invoke_with_report(
        "deploy", "--inventory", file, report=tmp_path / "report.json"
    )
    assert again.code == 0, again.output
    assert {report["hosts"][name]["changed"] for name in NAMES} == {0}
