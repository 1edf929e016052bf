"""Versions of CUDA: of a driver, and of an image."""

from __future__ import annotations

import re
from collections.abc import Mapping

Version = tuple[int, int]

CUDA_OF_BRANCH: Mapping[int, Version] = {
    450: (11, 0),
    455: (11, 1),
    460: (11, 2),
    465: (11, 3),
    470: (11, 4),
    495: (11, 5),
    510: (11, 6),
    515: (11, 7),
    520: (11, 8),
    525: (12, 0),
    530: (12, 1),
    535: (12, 2),
    545: (12, 3),
    550: (12, 4),
    555: (12, 5),
    560: (12, 6),
    565: (12, 7),
    570: (12, 8),
    575: (12, 9),
    580: (13, 0),
}
"""The CUDA of each branch of NVIDIA's driver, as `nvidia-smi` shows it.

Source: the table of drivers in the release notes of the CUDA toolkit, 13.0.
"""
DRIVER = re.compile(r"(\d+)\.")
TAG = re.compile(r":[^/]*-cu(?:da)?(\d{2})\.?(\d)")


def cuda_of_driver(version: str) -> Version | None:
    """Return the newest CUDA that the driver *version* knows; None = it is not known.

    A branch that is not in the table counts as the next older one; one that is newer than
    all of them is not known.
    """
    match = DRIVER.match(version)
    branch = int(match[1]) if match else 0
    if branch >= max(CUDA_OF_BRANCH) + 5:
        return None
    older = [number for number in CUDA_OF_BRANCH if number <= branch]
    return CUDA_OF_BRANCH[max(older)] if older else None


def cuda_of_image(image: str) -> Version | None:
    """Return the CUDA that the tag of *image* names, such as `-cu128`; None = none."""
    match = TAG.search(image)
    return (int(match[1]), int(match[2])) if match else None


def cuda_warning(image: str, driver: str) -> str:
    """Return why *image* may not run with *driver*; "" = nothing is known against it."""
    wanted, there = cuda_of_image(image), cuda_of_driver(driver)
    if not wanted or not there or wanted <= there:
        return ""
    return (
        f"{image} has CUDA {wanted[0]}.{wanted[1]}, and the driver {driver} of this host "
        f"knows CUDA {there[0]}.{there[1]} at most: update the driver, or choose an image "
        "with an older CUDA"
    )
