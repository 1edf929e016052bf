"""Additions of a user to a Ray node: bad ones, and what a plan says of a host that lacks them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from provision.errors import RefusedError
from provision.ray.steps.node.roles import RayWorker
from provision.steps.files.file import Directory
from provision.steps.mounts.mount import Mount

NODE = {
    "cluster": "c",
    "image": "rayproject/ray:2.60.0-py312",
    "address": "10.0.0.2",
    "head": "10.0.0.1",
    "data_dir": "/var/lib/p",
}
MODELS = {"lacks./srv/models": "missing"}


def worker(**params: Any) -> RayWorker:
    return RayWorker(**{**NODE, **params})


BAD: list[tuple[dict[str, Any], str]] = [
    ({"mounts": ["data:/x:rw"]}, "must be SOURCE, SOURCE:TARGET"),
    ({"mounts": ["../x"]}, "must be SOURCE, SOURCE:TARGET"),
    ({"mounts": ["/a:/x", "/b:/x/"]}, "two of them are at /x"),
    ({"mounts": ["/a:/var/lib/p/ray"]}, "/var/lib/p/ray in the container is this"),
    ({"mounts": ["tmpfs:/dev/shm"]}, "/dev/shm in the container is this"),
    ({"devices": ["nvidia0"]}, "must be a path in /dev"),
    ({"limits": {"memory": 1}}, "memory is no limit; there are: core"),
    ({"limits": {"nofile": "unlimited"}}, "nofile must be a number"),
    ({"memory_mb": 5}, "Docker takes 6 MB and more"),
    ({"memory_mb": 1000, "object_store_memory_mb": 2000}, "does not fit into 1000 MB"),
    ({"ipc": "host", "shm_mb": 5}, "the node has the host's /dev/shm"),
    ({"start_args": ["--num-gpus=1"]}, "--num-gpus is set by ray_num_gpus"),
    ({"start_args": ["--block"]}, "--block is set by this program"),
    ({"start_args": ["-v"]}, "must be one option of `ray start`"),
    ({"docker_args": ["--restart=no"]}, "--restart is set by this program"),
    ({"docker_args": ["--shm-size=1g"]}, "--shm-size is set by the parameter shm_mb"),
    ({"docker_args": ["-v /a:/b"]}, "must be one flag, written in full"),
    ({"shared_folders": [{"from": "/data", "at": "/data"}]}, "must be SERVER:/PATH"),
    ({"head_image": "rayproject/ray:2.61.0-py312"}, "all nodes of a cluster have the"),
    ({"head_image": "mine:1"}, "mine:1 does not say which Ray it has"),
    (
        {"image": "mine:2"} | {"head_image": NODE["image"]},
        "`ray_version: 2.60.0-py312`",
    ),
]


@pytest.mark.parametrize(("params", "words"), BAD)
def test_bad_additions_are_refused_with_what_to_do(
    params: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        worker(**params)
    assert words in str(caught.value)


def test_null_is_as_if_it_was_not_there() -> None:
    names = [
        *("mounts", "devices", "limits", "shm_mb", "memory_mb", "ipc", "groups", "env"),
        *("start_args", "docker_args", "shared_folders", "host_names", "head_image"),
    ]
    assert worker(**dict.fromkeys(names)) == worker()
    some = worker(limits={"stack": None, "core": 0}, env={"A": None, "B": "1"})
    assert (some.limits, some.env) == ({"core": 0}, {"B": "1"})


def test_nothing_added_is_nothing_changed() -> None:
    spec = worker().container().spec()
    assert not [f for f in spec if f.startswith(("limit.", "docker ", "memory", "ipc"))]


def test_the_images_of_two_architectures_have_one_ray() -> None:
    arm = worker(image=f"{NODE['image']}-aarch64", head_image=NODE["image"])
    cuda = worker(image=f"{NODE['image']}-cu128", head_image=arm.image)
    own = worker(image="mine:1", ray_version="2.60.0-py312", head_image=NODE["image"])
    label = "label.provision.ray_version"
    assert {w.container().spec()[label] for w in (arm, cuda, own)} == {"2.60.0-py312"}


def test_what_the_host_lacks_is_refused_only_where_a_container_is_made() -> None:
    step = worker(mounts=["/srv/models"])
    running = {**step.desired(), "health": "healthy"}
    with pytest.raises(RefusedError, match="/srv/models is not on this host"):
        step.plan(MODELS)
    assert step.plan({**running, **MODELS}) == []
    assert any("/srv/models" in text for text in step.remarks({**running, **MODELS}))


def test_what_an_earlier_step_brings_is_not_lacking() -> None:
    step = worker(mounts=["/srv/models"])
    made = Directory(path="/srv/models")
    mounted = Mount(mounts="h:/m /srv nfs")
    for earlier in (made, mounted):
        written = earlier.writes(earlier.plan({}))
        assert set(written) & set(step.reads())
        assert step.plan(step.foresee(MODELS, written) or {})
    with pytest.raises(RefusedError):
        step.plan(step.foresee(MODELS, {}) or {})


@pytest.mark.parametrize(
    ("params", "warned"),
    [
        ({"shm_mb": 4096}, True),
        ({"shm_mb": 20000}, False),
        ({"shm_mb": 0}, False),
        ({"shm_mb": 4096, "object_store_memory_mb": 4000}, False),
        ({"shm_mb": 4096, "memory_mb": 12000}, False),
    ],
)
def test_a_small_shm_is_a_warning(params: dict[str, Any], warned: bool) -> None:
    found = list(worker(**params).remarks({"host_memory_kb": "64000000"}))
    assert any("ray_shm_mb" in text for text in found) is warned


def test_a_limit_that_docker_may_not_set_has_advice() -> None:
    said = "error setting rlimits for ready process: error setting rlimit type 8"
    assert "CAP_SYS_RESOURCE" in worker().advice(said)


def test_gpus_and_devices_of_the_user_come_together() -> None:
    step = worker(devices=["/dev/fuse"], groups=["44"])
    host = {"gpu.card.0000:01:00.0": "0x10de 0x030200 0x2335 nvidia "}
    running = {**step.desired(), **host, "device.nvidia.com/gpu=all": "given"}
    # The driver does not answer: it keeps its GPUs, and nothing of the user's is one.
    assert step.plan(running) == []
