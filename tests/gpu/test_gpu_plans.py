"""Plans for a host with a real NVIDIA GPU whose CDI file or driver does not fit, and its metrics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.gpu_cluster import Cluster

from provision.config.inventory import Host
from provision.model.shell import quote
from provision.steps.gpu.cuda import cuda_of_driver

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]

FIND = "grep -l nvidia.com/gpu /etc/cdi/* /var/run/cdi/* 2>/dev/null || true"
SMI = "PATH=$PATH:/usr/local/nvidia/bin:/usr/lib/wsl/lib nvidia-smi"
METRICS = Path(__file__).parents[2] / "playbooks/templates/gpu_metrics.sh"
ASIDE = ".aside-by-a-test"


def cdi_files(cluster: Cluster, host: Host) -> list[str]:
    names = cluster.ask(host, FIND).split()
    return [name for name in names if name.endswith((".yaml", ".json"))]


def words(cluster: Cluster, *options: str) -> tuple[int, str]:
    done = cluster.run("plan", *options)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def kept(cluster: Cluster) -> Iterator[tuple[Host, list[str]]]:
    """The first host with its CDI files, which are as they were afterwards."""
    host = cluster.hosts()[0]
    files = cdi_files(cluster, host)
    if not files:
        pytest.skip("the host has no CDI file: its container has its GPU by the hook")
    for file in files:
        cluster.ask(host, f"cp -a {quote(file)} {quote(file + ASIDE)}")
    yield host, files
    for file in files:
        cluster.ask(host, f"mv -f {quote(file + ASIDE)} {quote(file)}")


def test_a_cdi_file_that_is_gone_replaces_no_container(
    cluster: Cluster, kept: tuple[Host, list[str]]
) -> None:
    host, files = kept
    cluster.ask(host, f"rm {' '.join(map(quote, files))}")
    code, text = words(cluster, "--set", "ray_gpus=auto", "--tags", "gpus")
    assert code == 0, text
    code, text = words(cluster, "--set", "ray_gpus=auto")
    assert code == 0, text
    assert "no CDI file names" in text or "toolkit is missing" in text


def test_a_cdi_file_of_another_driver_is_told(
    cluster: Cluster, kept: tuple[Host, list[str]]
) -> None:
    host, files = kept
    edit = r"s/libcuda\.so\.[0-9][0-9.]*/libcuda.so.450.1.1/g"
    cluster.ask(host, f"sed -i '{edit}' {' '.join(map(quote, files))}")
    if "450.1.1" not in cluster.ask(host, f"cat {' '.join(map(quote, files))}"):
        pytest.skip("the CDI file does not name libcuda's version")
    code, text = words(cluster)
    assert code == 0, text
    assert "was made for the driver 450.1.1, and" in text


def test_a_cuda_that_is_too_new_has_both_numbers(cluster: Cluster) -> None:
    query = "--query-gpu=driver_version --format=csv,noheader"
    version = cluster.ask(cluster.hosts()[0], f"{SMI} {query}").split()[0]
    known = cuda_of_driver(version)
    if not known:
        pytest.skip(f"the CUDA of driver {version} is not in the table")
    _, text = words(cluster, "--set", "ray_image=localhost/ray:2.60.0-cu999")
    assert "has CUDA 99.9, and the driver" in text
    assert f"knows CUDA {known[0]}.{known[1]} at most" in text


def test_what_nvidia_smi_tells_becomes_metrics(cluster: Cluster) -> None:
    for host in cluster.hosts():
        program = quote(METRICS.read_text())
        path = "PATH=$PATH:/usr/local/nvidia/bin:/usr/lib/wsl/lib"
        page = cluster.ask(
            host,
            f'd=$(mktemp -d); {path} sh -c {program} sh "$d"; cat "$d/gpus.prom"; rm -r "$d"',
        )
        assert "provision_gpu_smi_up 1\n" in page
        uuids = set(
            re.findall(r"UUID: (GPU-[0-9a-f-]+)", cluster.ask(host, f"{SMI} -L"))
        )
        powers = (
            r'provision_gpu_power_watts\{index="\d+",uuid="(GPU-[^"]+)"\} [0-9.]+\n'
        )
        assert set(re.findall(powers, page)) <= uuids
        assert uuids, "the host has a GPU"
