"""The network of a node: the interface that is chosen, and what the container gets of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from provision.errors import RefusedError
from provision.model.change import State
from provision.model.shell import Reply
from provision.ray.steps.network import RayNetwork
from provision.ray.steps.network.node_network import (
    NO_LIMIT,
    NO_NETWORK,
    RDMA_DIR,
    NetworkOptions,
    placed,
)
from provision.ray.steps.network.ray_network import (
    has_several_networks,
    mtu_differences,
    network_cell,
)
from provision.ray.steps.node.ray_options import MemoryGuard
from provision.ray.steps.node.roles import RayWorker

ETH0 = {"network.names": "eth0 eth1 lo", "network.at.eth0 10.0.0.2/24": "1500 up"}
BOTH = {**ETH0, "network.at.eth1 10.9.0.2/16": "9000 up"}
RDMA = {**BOTH, "network.rdma": "mlx5_0 mlx5_1", "network.rdma_of.eth1": "mlx5_0"}


def worker(**more: object) -> RayWorker:
    node = {"cluster": "c", "image": "rayproject/ray:2.60.0", "data_dir": "/var/lib/c"}
    return RayWorker.model_validate(
        {**node, "address": "10.0.0.2", "head": "10.0.0.1", **more}
    )


def env_of(observed: State, **more: object) -> dict[str, str]:
    """The variables of the container that is made on a host with *observed*."""
    node = worker(**more)
    changes = node.plan(observed)
    made = node.container(network=placed(changes))
    return dict(made.env)


def warned(observed: State, **parameters: object) -> list[str]:
    step = RayNetwork.model_validate({"address": "10.0.0.2", **parameters})
    return list(step.remarks(observed))


def test_the_interface_with_the_address_is_told_to_those_who_would_guess() -> None:
    env = env_of(BOTH)
    assert env["NCCL_SOCKET_IFNAME"] == "=eth0", "eth0, and not eth01 as well"
    assert env["GLOO_SOCKET_IFNAME"] == env["UCX_NET_DEVICES"] == "eth0"
    assert env["VLLM_HOST_IP"] == "10.0.0.2"
    assert "NCCL_IB_HCA" not in env


@pytest.mark.parametrize("interface", ["eth1", "10.9.0.0/16", "10.9.1.2/16"])
def test_another_one_is_chosen_by_name_or_network(interface: str) -> None:
    env = env_of(BOTH, address="10.9.0.2", network={"interface": interface})
    assert (env["GLOO_SOCKET_IFNAME"], env["VLLM_HOST_IP"]) == ("eth1", "10.9.0.2")


def test_the_users_own_variables_win() -> None:
    env = env_of(BOTH, env={"NCCL_SOCKET_IFNAME": "ib", "VLLM_HOST_IP": "10.9.0.2"})
    assert (env["NCCL_SOCKET_IFNAME"], env["VLLM_HOST_IP"]) == ("ib", "10.9.0.2")
    assert env["GLOO_SOCKET_IFNAME"] == "eth0"


def test_rdma_devices_come_with_unlimited_memlock_and_ucx_knows_them() -> None:
    network = placed(worker(address="10.9.0.2").plan(RDMA))
    assert (network.devices, dict(network.limits)) == (
        (RDMA_DIR,),
        {"memlock": NO_LIMIT},
    )
    assert network.env["UCX_NET_DEVICES"] == "mlx5_0:1,eth1"
    assert "NCCL_IB_HCA" not in network.env, "NCCL chooses by itself"
    options = {"rdma": ["mlx5_1"]}
    named = placed(worker(address="10.9.0.2", network=options).plan(RDMA))
    assert named.env["NCCL_IB_HCA"] == "=mlx5_1"


def test_none_is_given_where_none_is_wanted_or_there() -> None:
    off = placed(worker(address="10.9.0.2", network={"rdma": False}).plan(RDMA))
    assert (off.devices, dict(off.limits)) == ((), {})
    assert off.env["UCX_NET_DEVICES"] == "eth1"
    assert placed(worker().plan(BOTH)).devices == ()


def test_an_rdma_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(RefusedError, match="no RDMA device mlx5_7; it has mlx5_0"):
        worker(address="10.9.0.2", network={"rdma": ["mlx5_7"]}).plan(RDMA)
    with pytest.raises(RefusedError, match="it has none that programs can open"):
        worker(network={"rdma": ["mlx5_0"]}).plan(BOTH)


@pytest.mark.parametrize(
    ("observed", "network", "problem"),
    [
        (ETH0, {"interface": "eth9"}, "has no interface eth9; it has eth0 10.0.0.2/24"),
        (ETH0, {"interface": "eth1"}, "the interface eth1 of this host has no address"),
        (ETH0, {"interface": "10.9.0.0/16"}, "has an address in 10.9.0.0/16; it has"),
        (BOTH, {"interface": "10.0.0.0/8"}, "2 interfaces of this host have an addr"),
        (BOTH, {"interface": "eth1"}, "ray_interface chooses eth1 10.9.0.2/16, and"),
    ],
)
def test_an_interface_that_cannot_be_is_refused(
    observed: State, network: dict[str, str], problem: str
) -> None:
    with pytest.raises(RefusedError, match=problem):
        worker(network=network).plan(observed)


def test_the_refusal_of_another_address_has_the_line_to_write() -> None:
    with pytest.raises(RefusedError) as refused:
        worker(network={"interface": "eth1"}).plan(BOTH)
    assert "`address: 10.9.0.2`" in refused.value.hint


@pytest.mark.parametrize("interface", ["", "eth 0", "a/b", "0.0.0.0/0", "x" * 16, ".."])
def test_no_interface_and_no_network_is_an_input_error(interface: str) -> None:
    with pytest.raises(ValidationError):
        NetworkOptions(interface=interface)


def test_what_is_unknown_takes_nothing_away() -> None:
    unknown = {"network.unknown": "it has no program ip"}
    has = {"env.NCCL_SOCKET_IFNAME": "=eth0", f"device.{RDMA_DIR}": "given"}
    limit = {"limit.memlock": "-1"}
    kept = NetworkOptions().on_host({**unknown, **has, **limit}, "10.0.0.2")
    assert kept.env == {"NCCL_SOCKET_IFNAME": "=eth0"}
    assert (kept.devices, kept.limits) == ((RDMA_DIR,), {"memlock": NO_LIMIT})
    assert NetworkOptions().on_host(unknown, "10.0.0.2") == NO_NETWORK
    [remark] = warned(unknown)
    assert "unknown (it has no program ip)" in remark
    assert network_cell(unknown, "10.0.0.2") == "unknown"


def test_a_name_as_address_chooses_no_interface_and_is_told() -> None:
    assert NetworkOptions().on_host(BOTH, "node2.lan").env == {}
    [remark] = warned(BOTH, address="node2.lan")
    assert "node2.lan is a name and no address" in remark
    named = NetworkOptions(interface="eth1").on_host(BOTH, "node2.lan")
    assert named.env["VLLM_HOST_IP"] == "10.9.0.2"


def test_two_interfaces_in_one_subnet_are_a_warning_with_both() -> None:
    both = {**ETH0, "network.at.eth1 10.0.0.3/24": "1500 up"}
    [remark] = warned(both)
    assert "eth0 10.0.0.2/24 and eth1 10.0.0.3/24 are in one subnet" in remark
    assert warned({**ETH0, "network.at.eth1 10.0.0.3/24": "1500 down"}) == []
    assert warned({**ETH0, "network.at.eth1 10.0.0.3/32": "1500 up"}) == []
    assert warned({**ETH0, "network.at.eth0 10.0.0.3/24": "1500 up"}) == []
    assert warned(BOTH) == []


def test_an_interface_that_is_down_is_a_warning() -> None:
    down = {**ETH0, "network.at.eth0 10.0.0.2/24": "1500 down"}
    assert warned(down) == [
        "the interface eth0 10.0.0.2/24 is down: no other host reaches it"
    ]


HOSTS = [
    {"name": f"node{n}", "address": address}
    for n, address in ((1, "10.0.0.2"), (2, "10.9.0.3"), (3, "fd00:0::3"))
]


def test_ways_that_are_not_straight_are_told_with_the_hosts() -> None:
    aside = {"route.10.9.0.3": "eth1"}
    [remark] = warned({**BOTH, **aside}, hosts=HOSTS)
    assert remark.startswith("packets to node2 (10.9.0.3) leave by eth1, and this host")
    for answer in ("no answer", "No route to host"):
        silent = {"route.fd00::3": f"eth0 via fe80::1 {answer}"}
        [remark] = warned({**BOTH, **silent}, hosts=HOSTS)
        assert remark.startswith("node3 (fd00:0::3): not in the subnet of this host")
    for answer in ("open", "refused"):
        routed = {"route.10.9.0.3": f"eth0 via 10.0.0.1 {answer}"}
        assert warned({**BOTH, **routed}, hosts=HOSTS) == []


def test_a_host_that_knows_no_way_to_another_is_refused() -> None:
    step = RayNetwork.model_validate({"address": "10.0.0.2", "hosts": HOSTS})
    with pytest.raises(RefusedError, match=r"no way to node2 \(10\.9\.0\.3\)"):
        step.plan({**BOTH, "route.10.9.0.3": "none"})
    assert step.probe().args == ("10.9.0.3", "fd00::3"), "not itself, and as ip has it"


def test_hosts_with_another_mtu_are_named() -> None:
    step = RayNetwork(address="10.0.0.2")

    def seen(mtu: str) -> State:
        return step.observe(Reply(f"network.at.eth0 10.0.0.2/24={mtu} up\n"))

    assert mtu_differences({"a": seen("9000"), "b": seen("9000"), "c": {}}) == ""
    assert mtu_differences({"a": seen("9000"), "b": seen("?")}) == "", "unknown"
    found = mtu_differences({"a": seen("9000"), "b": seen("1500"), "c": seen("9000")})
    assert "9000 on a (eth0), c (eth0); 1500 on b (eth0)" in found


def test_the_cell_of_status_has_the_address_only_where_it_is_another() -> None:
    named = {"chosen": "eth1 10.9.0.2/16 9000"}
    assert network_cell(named, "10.9.0.2") == "eth1"
    assert network_cell(named, "node2.lan") == "eth1 10.9.0.2"
    assert has_several_networks(BOTH)
    assert not has_several_networks({**ETH0, "network.at.lo 127.0.0.1/8": "65536 up"})


def test_the_memory_guard_is_ray_s_variables() -> None:
    guard = {"refresh_ms": 0, "threshold": 0.98}
    env = env_of(BOTH, memory_guard=guard)
    assert env["RAY_memory_monitor_refresh_ms"] == "0"
    assert env["RAY_memory_usage_threshold"] == "0.98"
    assert not any("memory" in name for name in env_of(BOTH))
    for wrong in ({"refresh_ms": -1}, {"threshold": 0}, {"threshold": 98}):
        with pytest.raises(ValidationError):
            MemoryGuard.model_validate(wrong)


def test_a_worker_joins_a_head_with_an_ipv6_address() -> None:
    command = worker(address="fd00::2", head="fd00::1").container().command
    assert "--address=[fd00::1]:6379" in command
    assert "--node-ip-address=fd00::2" in command
