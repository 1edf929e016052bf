"""Ray on a host with a real NVIDIA GPU, checked by other means than the code under test."""

from __future__ import annotations

import json
import re
import sys
import time

import pytest
from support.gpu_cluster import Cluster

from provision.config.inventory import Host
from provision.model.shell import quote
from provision.ray.steps.node.base import container_name
from provision.ray.steps.node.ports import Ports

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]

SMI = "PATH=$PATH:/usr/local/nvidia/bin:/usr/lib/wsl/lib nvidia-smi -L"
UUID = re.compile(r"UUID: (GPU-[0-9a-f-]+)")
TASK = """
import json
import ray

ray.init(address="auto", log_to_driver=False)


@ray.remote(num_gpus=1)
def product():
    import os

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        import torch
    except ImportError:
        return [visible, "driver", by_driver()]
    one = torch.full((2048, 2048), 0.5, device="cuda")
    return [visible, torch.cuda.get_device_name(0), float((one @ one)[7, 7])]


def by_driver():
    import ctypes

    cuda, count, place = ctypes.CDLL("libcuda.so.1"), ctypes.c_int(), ctypes.c_void_p()
    device, context = ctypes.c_int(), ctypes.c_void_p()
    calls = [
        cuda.cuInit(0),
        cuda.cuDeviceGetCount(ctypes.byref(count)),
        cuda.cuDeviceGet(ctypes.byref(device), 0),
        cuda.cuCtxCreate_v2(ctypes.byref(context), 0, device),
        cuda.cuMemAlloc_v2(ctypes.byref(place), ctypes.c_size_t(1 << 20)),
    ]
    assert calls == [0] * 5, calls
    return 512.0 if count.value == 1 else 0.0


print(json.dumps([ray.cluster_resources(), ray.get(product.remote())]))
"""


def uuids(text: str) -> set[str]:
    return set(UUID.findall(text))


def in_container(cluster: Cluster, host: Host, command: str) -> str:
    name = container_name(cluster.inventory.stem)
    return cluster.ask(host, f"docker exec {name} {command}")


@pytest.fixture(scope="session")
def answer(cluster: Cluster) -> tuple[dict[str, float], list[object]]:
    """The resources of the cluster, and what a task with a GPU returns."""
    head = cluster.hosts()[0]
    output = in_container(cluster, head, f"python3 -c {quote(TASK)}")
    resources, result = json.loads(output.strip().splitlines()[-1])
    return resources, result


def test_the_container_has_the_gpus_of_its_host(cluster: Cluster) -> None:
    for host in cluster.hosts():
        there = uuids(cluster.ask(host, SMI))
        assert there
        assert uuids(in_container(cluster, host, "nvidia-smi -L")) == there


def test_ray_has_as_many_as_the_hosts(
    cluster: Cluster, answer: tuple[dict[str, float], list[object]]
) -> None:
    number = sum(len(uuids(cluster.ask(host, SMI))) for host in cluster.hosts())
    assert answer[0]["GPU"] == number


def test_a_task_computes_on_one(
    answer: tuple[dict[str, float], list[object]],
) -> None:
    visible, name, product = answer[1]
    sys.stdout.write(f"CUDA_VISIBLE_DEVICES={visible}, {name}, product {product}\n")
    assert visible is not None
    assert product == 512.0


def test_a_second_deploy_changes_nothing_in_one_round_trip(cluster: Cluster) -> None:
    hosts = cluster.report("deploy")["hosts"]
    assert isinstance(hosts, dict)
    seen = {(host["changed"], host["round_trips"]) for host in hosts.values()}
    assert seen == {(0, 1)}


def test_status_names_the_gpus(cluster: Cluster) -> None:
    done = cluster.run("status")
    assert done.returncode == 0, done.stdout
    assert "gpus" in done.stdout.splitlines()[0].split()
    assert "NVIDIA" in done.stdout
    assert "in Ray of" not in done.stdout and "unknown" not in done.stdout


def test_one_that_is_not_there_is_refused_with_those_that_are(cluster: Cluster) -> None:
    done = cluster.run("plan", "--set", "ray_gpus=[97]")
    words = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2
    assert "there is no GPU 97 on this host; there are: 0 (NVIDIA" in words


def test_a_number_that_ray_was_told_is_seen_to_differ(cluster: Cluster) -> None:
    done = cluster.run("verify", "--tags", "gpus", "--set", "ray_num_gpus=5")
    assert done.returncode == 3, done.stdout + done.stderr
    assert re.search(r"GPUs in Ray: \d+ -> 5", " ".join(done.stdout.split()))


def test_ray_exports_the_metrics_of_the_overview(cluster: Cluster) -> None:
    host = cluster.hosts()[0]
    ports = Ports.model_validate(host.vars.get("ray_ports", {}))
    page = f"http://{host.address}:{ports.metrics}/metrics"
    fetch = f"import urllib.request as u; print(u.urlopen({page!r}).read().decode())"
    names = ("ray_node_gpus_utilization", "ray_node_gram_used")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        text = in_container(cluster, host, f"python3 -c {quote(fetch)}")
        if all(f"\n{name}{{" in text for name in names):
            return
        time.sleep(3)
    raise AssertionError(f"{page} has none of {names} after a minute")
