"""Options that `ray start` would refuse, found before the container that runs is replaced.

Source: Ray 2.60.0, _private/parameter.py, resource_and_label_spec.py, label_utils.py and
services.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from provision.errors import RefusedError
from provision.model.fields import AbsPath, Parameters

OF_RAY = {
    "CPU": "num_cpus",
    "GPU": "num_gpus",
    "memory": "the memory of the host",
    "object_store_memory": "object_store_memory_mb",
}
"""Resources that every node has, and what says how much of them."""
RESERVED = ("node:__internal_head__",)
MOST_OF_A_RESOURCE = 100e12
LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?"
PREFIX = rf"({LABEL})?(\.({LABEL})?)*"
LONGEST_PREFIX = 253
LONGEST_DATA_DIR = 35
"""Ray's longest socket path is up to 72 bytes longer than `data_dir`; Linux allows 107."""
ANYWHERE_BYTES = 10**10
"""Size up to which Ray keeps its objects on disk where /dev/shm is too small."""
MIB, KIB = 2**20, 2**10


def _resources(resources: Mapping[str, float]) -> Mapping[str, float]:
    for name, amount in resources.items():
        if name in OF_RAY:
            raise ValueError(f"{name} is Ray's own: it is set by {OF_RAY[name]}")
        if name in RESERVED:
            raise ValueError(f"{name} is Ray's own")
        if not (0 <= amount <= MOST_OF_A_RESOURCE and float(amount).is_integer()):
            raise ValueError(
                f"Ray takes whole numbers from 0 on as amounts, and {name} is {amount:g}"
            )
    return resources


def _labels(labels: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in labels.items():
        prefix, slash, rest = name.rpartition("/")
        fits = re.fullmatch(LABEL, rest) and (
            not slash
            or (len(prefix) <= LONGEST_PREFIX and re.fullmatch(PREFIX, prefix))
        )
        if not fits:
            raise ValueError(f"{name!r} is no name of a label, as Kubernetes has them")
        if value and not re.fullmatch(LABEL, value):
            raise ValueError(
                f"{value!r} is no value of a label, as Kubernetes has them"
            )
    return labels


def _short(path: str) -> str:
    if len(path.encode()) > LONGEST_DATA_DIR:
        raise ValueError(
            f"must have at most {LONGEST_DATA_DIR} bytes, or the names of Ray's "
            "sockets below it become too long for Linux"
        )
    if set(path) & set(':,"'):
        raise ValueError('must not contain : , or ", which divide what Docker mounts')
    return path


Resources = Annotated[Mapping[str, float], AfterValidator(_resources)]
"""Amounts of resources that a node has beside those of Ray's own, by name."""
NodeLabels = Annotated[Mapping[str, str], AfterValidator(_labels)]
"""Labels of a node, in the syntax of Kubernetes' labels."""
DataDir = Annotated[AbsPath, AfterValidator(_short)]
"""The folder of a node's sessions, below which Ray makes sockets."""


class MemoryGuard(Parameters):
    """Ray's memory monitor, which ends workers before the host has no memory left."""

    refresh_ms: Annotated[int, Field(ge=0)] | None = None
    """Milliseconds between two looks; 0 = it never ends any; default: Ray's, 250."""
    threshold: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the host's memory in use from which it ends workers; default: Ray's, 0.95."""

    @property
    def env(self) -> dict[str, str]:
        """Return Ray's variables."""
        found = {
            "RAY_memory_monitor_refresh_ms": self.refresh_ms,
            "RAY_memory_usage_threshold": self.threshold,
        }
        return {name: f"{v:g}" for name, v in found.items() if v is not None}


def amounts(
    cpus: int | None,
    gpus: int | None,
    object_store_mb: int | None,
    resources: Mapping[str, float],
) -> Iterator[str]:
    """Yield the flags of `ray start` for what a node has; None = Ray counts by itself."""
    if cpus is not None:
        yield f"--num-cpus={cpus}"
    if gpus is not None:
        yield f"--num-gpus={gpus}"
    if object_store_mb is not None:
        yield f"--object-store-memory={object_store_mb * MIB}"
    if resources:
        yield f"--resources={json.dumps(dict(resources), sort_keys=True)}"


def label_flags(labels: Mapping[str, str]) -> Iterator[str]:
    """Yield the flag of `ray start` for the *labels* of a node, if it has any."""
    if labels:
        pairs = sorted(labels.items())
        yield "--labels=" + ",".join(f"{name}={value}" for name, value in pairs)


def check_object_store(
    wanted_mb: int | None, memory_kb: int, shm_mb: int, shm_percent: int
) -> None:
    """Raise RefusedError if Ray would not start with an object store of *wanted_mb*.

    Args:
        wanted_mb: its size in MiB; None = Ray chooses one that fits.
        memory_kb: the memory of the host in KiB.
        shm_mb: the size of the container's /dev/shm in MiB; 0 = *shm_percent* of the memory.
        shm_percent: a share of the memory in percent.
    """
    if wanted_mb is None:
        return
    memory_mb = memory_kb * KIB // MIB
    shm_mb = shm_mb or memory_mb * shm_percent // 100
    if wanted_mb > memory_mb:
        raise RefusedError(
            f"an object store of {wanted_mb} MB does not fit: the host has {memory_mb} MB",
            hint=f"set ray_object_store_memory_mb to {shm_mb} at most, or leave it out",
        )
    if wanted_mb > shm_mb and wanted_mb * MIB > ANYWHERE_BYTES:
        raise RefusedError(
            f"an object store of {wanted_mb} MB does not fit: /dev/shm of the container "
            f"has {shm_mb} MB, and Ray refuses to keep so much elsewhere",
            hint=f"set ray_object_store_memory_mb to {shm_mb} at most, or leave it out",
        )
