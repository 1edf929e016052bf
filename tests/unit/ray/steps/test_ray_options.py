"""Options that Ray would refuse are refused before a container is replaced."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from provision.errors import RefusedError
from provision.model.shell import Reply
from provision.ray.steps.node.roles import RayWorker

GIB_KB = 2**20
WORKER = {
    "cluster": "lab",
    "image": "rayproject/ray:2.60.0",
    "address": "10.0.0.2",
    "head": "10.0.0.1",
    "data_dir": "/var/lib/x",
}


def worker(**changed: Any) -> RayWorker:
    return RayWorker.model_validate(WORKER | changed)


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"CPU": 1}, "CPU is Ray's own: it is set by num_cpus"),
        ({"object_store_memory": 1}, "set by object_store_memory_mb"),
        ({"node:__internal_head__": 1}, "is Ray's own"),
        ({"disk": -1}, "whole numbers from 0 on"),
        ({"disk": 0.5}, "disk is 0.5"),
        ({"disk": 1e15}, "whole numbers"),
    ],
)
def test_resources_that_ray_refuses_are_refused(
    resources: dict[str, float], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        worker(resources=resources)


def test_resources_that_ray_takes_are_taken() -> None:
    taken = worker(resources={"disk": 0, "special hardware": 2.0})
    assert taken.resources == {"disk": 0, "special hardware": 2.0}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"-zone": "a"}, "no name of a label"),
        ({"zone": "a b"}, "no value of a label"),
        ({"zone": "x" * 64}, "no value of a label"),
        ({"_/zone": "a"}, "no name of a label"),
        ({"a=b": "c"}, "no name of a label"),
    ],
)
def test_labels_that_ray_refuses_are_refused(labels: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        worker(node_labels=labels)


def test_labels_that_ray_takes_are_taken() -> None:
    labels = {"zone": "a-1", "Example.org/rack": "7", "ray.io/market": "", "/x": "a"}
    assert worker(node_labels=labels).node_labels == labels


def planned(memory_kb: int, **changed: Any) -> list[str]:
    step = worker(**changed)
    reply = Reply(f"host_memory_kb={memory_kb}\n")
    return [str(change) for change in step.plan(step.observe(reply))]


@pytest.mark.parametrize(
    ("wanted_mb", "memory_kb", "shm_mb", "said"),
    [
        (9_000_000, 24 * GIB_KB, 0, "the host has 24576 MB"),
        (20_000, 24 * GIB_KB, 0, "/dev/shm of the container has 8601 MB"),
        (20_000, 64 * GIB_KB, 10_000, "/dev/shm of the container has 10000 MB"),
    ],
)
def test_an_object_store_that_does_not_fit_is_refused(
    wanted_mb: int, memory_kb: int, shm_mb: int, said: str
) -> None:
    with pytest.raises(RefusedError, match=said):
        planned(memory_kb, object_store_memory_mb=wanted_mb, shm_mb=shm_mb)


@pytest.mark.parametrize("wanted_mb", [None, 75, 8000, 9000])
def test_one_that_fits_is_not(wanted_mb: int | None) -> None:
    # Up to 10 GB Ray uses the disk where /dev/shm is too small.
    assert planned(24 * GIB_KB, object_store_memory_mb=wanted_mb) == [
        "container: (absent) -> rayproject/ray:2.60.0"
    ]


def test_the_memory_of_the_host_is_no_difference() -> None:
    step = worker()
    assert step.plan({**step.desired(), "host_memory_kb": "1"}) == []
