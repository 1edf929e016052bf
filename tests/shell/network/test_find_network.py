"""The probe of networks, on hosts made of files and a stand-in for the program ip."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from shells import EACH_SHELL, NOT_BUSYBOX

from provision.model.shell import Reply
from provision.ray.steps.network import RayNetwork
from provision.steps.network.host_network import HostNetwork, read_network

Shell = tuple[str, ...]
SHOWN = r"""
1: lo    inet 127.0.0.1/8 scope host lo\       valid_lft forever preferred_lft forever
1: lo    inet6 ::1/128 scope host \       valid_lft forever preferred_lft forever
2: eth0    inet 10.0.0.7/24 brd 10.0.0.255 scope global eth0\       valid_lft forever
2: eth0    inet6 fe80::fc:ff:fe00:1/64 scope link \       valid_lft forever
3: ib0    inet 10.9.0.7 peer 10.9.0.8/32 scope global ib0\       valid_lft forever
3: ib0    inet6 fd00::7/64 scope global dynamic \       valid_lft 86 sec
4: eth0.100@eth0    inet 10.1.0.7/24 scope global eth0.100\       valid_lft forever
5: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\       valid_lft
6: br-0123456789ab    inet 172.18.0.1/16 scope global br-0123456789ab\       valid_lft
""".lstrip()
ROUTES = r"""
local 10.0.0.7 dev lo src 10.0.0.7 uid 0 \    cache <local>
10.0.0.8 dev eth0 src 10.0.0.7 uid 0 \    cache
10.0.0.80 dev eth0 src 10.0.0.7 uid 0 \    cache
10.9.0.8 dev ib0 src 10.9.0.7 uid 0 \    cache
127.9.9.9 via 10.0.0.1 dev eth0 src 10.0.0.7 uid 0 \    cache
unreachable fd00::9 from :: dev lo src fd00::7 metric 4294967295 error -101 pref medium
""".lstrip()
IP = """#!/bin/sh
case "$*" in
*addr*) {shown} ;;
*batch*) cat >>"{asked}"; cat "{routes}" ;;
esac
"""


class NetworkHost:
    """A host of files: interfaces in /sys, and what its program ip prints."""

    def __init__(self, folder: Path) -> None:
        self.root, self.tools = folder / "root", folder / "bin"
        self.asked = folder / "asked"
        self.tools.mkdir()
        (folder / "routes").write_text(ROUTES)
        (folder / "shown").write_text(SHOWN)
        self.folder = folder
        for name in ("bash", "timeout", "tail", "cat"):
            (self.tools / name).symlink_to(f"/usr/bin/{name}")

    def interface(self, name: str, mtu: int = 1500, rdma: str = "") -> NetworkHost:
        at = self.root / "sys/class/net" / name
        at.mkdir(parents=True)
        (at / "mtu").write_text(f"{mtu}\n")
        (at / "operstate").write_text("up\n")
        if rdma:
            (at / "device/infiniband" / rdma).mkdir(parents=True)
            (self.root / "sys/class/infiniband" / rdma).mkdir(parents=True)
        return self

    def ip(self, shown: str = "") -> NetworkHost:
        program = self.tools / "ip"
        program.write_text(
            IP.format(
                shown=shown or f'cat "{self.folder}/shown"',
                asked=self.asked,
                routes=self.folder / "routes",
            )
        )
        program.chmod(0o755)
        return self

    def says(self, shell: Shell, *others: str, address: str = "10.0.0.7") -> Reply:
        names = [address, *others]
        hosts = [{"name": f"node{n}", "address": at} for n, at in enumerate(names)]
        step = RayNetwork.model_validate({"address": address, "hosts": hosts})
        script = f"(\nset -u\n{step.probe().render()}\n) </dev/null\n"
        done = subprocess.run(
            shell,
            input=script,
            env={
                "PATH": str(self.tools),
                "LC_ALL": "C",
                "PROVISION_NETWORK_ROOT": str(self.root),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stderr, done.returncode) == ("", 0)
        return Reply(done.stdout, done.stderr, done.returncode)


@pytest.fixture
def host(tmp_path: Path) -> NetworkHost:
    return NetworkHost(tmp_path)


def lines(reply: Reply) -> Sequence[str]:
    return reply.stdout.splitlines()


def found(reply: Reply) -> HostNetwork:
    return read_network(RayNetwork(address="10.0.0.7").observe(reply))


@NOT_BUSYBOX
def test_addresses_with_mtu_and_state(shell: Shell, host: NetworkHost) -> None:
    host.interface("eth0", 9000).interface("lo", 65536).interface("veth12").ip()
    network = found(host.says(shell))
    assert network.names == ("eth0", "lo")
    shown = {(place.interface, str(place.at)): place.mtu for place in network.places}
    assert shown == {
        ("lo", "127.0.0.1/8"): 65536,
        ("lo", "::1/128"): 65536,
        ("eth0", "10.0.0.7/24"): 9000,
        ("ib0", "10.9.0.7/32"): None,
        ("ib0", "fd00::7/64"): None,
        ("eth0.100", "10.1.0.7/24"): None,
    }
    assert network.places[2].state == "up"


@NOT_BUSYBOX
def test_a_bridge_of_containers_counts_only_with_the_address(
    shell: Shell, host: NetworkHost
) -> None:
    host.ip()
    [own] = [
        line
        for line in lines(host.says(shell, address="172.18.0.1"))
        if "172.1" in line
    ]
    assert own.startswith("network.at.br-0123456789ab 172.18.0.1/16=")


@EACH_SHELL
def test_rdma_devices_that_programs_can_open(shell: Shell, host: NetworkHost) -> None:
    host.interface("eth0").interface("ib0", 4092, rdma="mlx5_0").ip()
    assert found(host.says(shell)).rdma == (), "no /dev/infiniband"
    (host.root / "dev/infiniband").mkdir(parents=True)
    (host.root / "dev/infiniband/uverbs0").touch()
    network = found(host.says(shell))
    assert (network.rdma, network.rdma_of) == (("mlx5_0",), {"ib0": ("mlx5_0",)})


@NOT_BUSYBOX
def test_only_ways_that_are_not_straight_are_printed(
    shell: Shell, host: NetworkHost
) -> None:
    host.ip()
    others = ("10.0.0.8", "10.0.0.80", "10.9.0.8", "127.9.9.9", "fd00::9", "10.0.0.3")
    ways = [n for n in lines(host.says(shell, *others)) if n.startswith("route.")]
    assert sorted(ways) == [
        "route.10.0.0.3=none",
        "route.10.9.0.8=ib0",
        f"route.127.9.9.9=eth0 via 10.0.0.1 {_ssh_here()}",
        "route.fd00::9=none",
    ]
    asked = host.asked.read_text().splitlines()
    assert asked == [f"route get {other}" for other in others], "one program for all"


def _ssh_here() -> str:
    """Result of a connection to port 22 of this machine itself."""
    command = "exec 3<>/dev/tcp/127.9.9.9/22"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    return "open" if done.returncode == 0 else "refused"


@NOT_BUSYBOX
def test_without_the_program_ip_it_is_unknown(shell: Shell, host: NetworkHost) -> None:
    network = found(host.interface("eth0").says(shell, "10.0.0.8"))
    assert network.unknown == "it has no program ip; the package iproute2 has it"
    assert network.places == ()


@NOT_BUSYBOX
def test_a_program_ip_that_fails_is_unknown(shell: Shell, host: NetworkHost) -> None:
    host.ip(shown="echo 'Cannot open netlink socket' >&2; exit 1")
    network = found(host.says(shell, "10.0.0.8"))
    assert network.unknown == "ip addr show: Cannot open netlink socket"
