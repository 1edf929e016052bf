"""A cluster on hosts with real NVIDIA GPUs: `pytest -m gpu tests/gpu`.

    PROVISION_GPU_INVENTORY   its inventory; default: this machine alone, without SSH
    PROVISION_GPU_IMAGE       the image with Ray, if no inventory is given

The hosts need NVIDIA's driver, and Docker with CDI or the container toolkit. What is deployed stays.
Files of CDI that a test moves are put back. Without an inventory it needs root.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.gpu_cluster import Cluster

IMAGE = "rayproject/ray:2.60.0-gpu"


@pytest.fixture(scope="session", autouse=True)
def real_gpus() -> Iterator[None]:
    """Let steps see the GPUs of this machine, which other tests must not."""
    hidden = os.environ.pop("PROVISION_GPU_ROOT", None)
    yield
    if hidden is not None:
        os.environ["PROVISION_GPU_ROOT"] = hidden


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The deployed cluster."""
    given = os.environ.get("PROVISION_GPU_INVENTORY")
    if not given and not Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has no /dev/nvidiactl: NVIDIA's driver is not loaded")
    if not given and not shutil.which("docker"):
        pytest.fail("this machine has a GPU, and no Docker to try it with")
    path = Path(given) if given else local(tmp_path_factory.mktemp("gpu"))
    found = Cluster(path)
    found.run("plan")
    deployed = found.run("deploy")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    return found


def local(folder: Path) -> Path:
    """Write an inventory of this machine alone."""
    path = folder / "gpu.yml"
    variables = {
        "ansible_connection": "local",
        "ray_image": os.environ.get("PROVISION_GPU_IMAGE", IMAGE),
        "ray_gpus": True,
        "metrics": False,
    }
    host = {"this": {"address": own_address()}}
    groups = {"head": {"hosts": host}, "workers": {"hosts": {}}}
    path.write_text(json.dumps({"all": {"vars": variables, "children": groups}}))
    return path


def own_address() -> str:
    """Return the address of the interface that leads out; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(sock.getsockname()[0])
