"""Limits of a container's processes, devices of the host, and memory that it shares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from provision.model.fields import Line

NAMES = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
]
"""The limits that `docker run --ulimit` knows."""
UNLIMITED = -1
LEAST_MEMORY_MB = 6
DEVICE = re.compile(r"/dev/[^:\n]+(:/[^:\n]+)?(:[rwm]{1,3})?\Z")
CDI_DEVICE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*/[A-Za-z0-9_.-]+=[A-Za-z0-9_.:-]+\Z")


def _limits(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {
        name: _amount(amount) for name, amount in value.items() if amount is not None
    }


def _amount(value: object) -> object:
    return UNLIMITED if value == "unlimited" else value


def _known(limits: Mapping[str, int]) -> Mapping[str, int]:
    for name in limits:
        if name not in NAMES:
            raise ValueError(f"{name} is no limit; there are: {', '.join(NAMES)}")
    return limits


def _enough(value: int) -> int:
    if 0 < value < LEAST_MEMORY_MB:
        raise ValueError(f"Docker takes {LEAST_MEMORY_MB} MB and more; 0 = no limit")
    return value


def _device(value: str) -> str:
    if not DEVICE.match(value) and not CDI_DEVICE.match(value):
        raise ValueError(
            "must be a path in /dev, /dev/A:/dev/B, or a CDI name such as vendor.com/class=0"
        )
    return value


def is_path(device: str) -> bool:
    """Return whether *device* is a path of the host; otherwise it is a name in CDI files."""
    return bool(DEVICE.match(device))


Limits = Annotated[
    Mapping[str, Annotated[int, Field(ge=UNLIMITED)]],
    BeforeValidator(_limits),
    AfterValidator(_known),
]
"""Limits by name; -1 or `unlimited` = none; null = as if it was not there."""
MemoryMb = Annotated[int, Field(ge=0), AfterValidator(_enough)]
Device = Annotated[Line, AfterValidator(_device)]
Ipc = Annotated[
    str, Field(pattern=r"\A(|none|private|shareable|host|container:[A-Za-z0-9_.-]+)\z")
]
