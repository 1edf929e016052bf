"""What an image's tag tells of the Ray in it, and what is known of that version."""

from __future__ import annotations

import re
from collections.abc import Iterator

TAG = re.compile(
    r"(?:.*/)?ray(?:-[a-z]+)?:(?P<version>(\d+)\.(\d+)(?P<patch>\.\d+(?:rc\d+)?)?)"
    r"(?P<odd>[^/-][^/]*)?(?:-(?P<python>py\d+))?(?:-[\w.-]+)?\Z"
)
"""The image of Ray's own name: another one's tag says nothing about Ray."""
TOKENS = (2, 52)
"""Before, Ray knows no token: it would run, and ask nobody for one."""
SAFE = (2, 54)
"""Before, a web page open in a user's browser could end jobs (CVE-2026-27482)."""


def version(image: str) -> tuple[int, int] | None:
    """Ray's major and minor version; None = the name does not tell.

    `rayproject/ray:2.60.0-py312-cu128` tells, `rayproject/ray:nightly` and
    `registry.lan/simulation:1.2` do not.
    """
    found = TAG.match(image.partition("@")[0])
    return (int(found[2]), int(found[3])) if found else None


def alike(image: str) -> str:
    """What of *image* cannot mix in a cluster: the version of Ray, or of Ray and Python.

    Only the tags of Ray's own images tell, if they name the version to the last digit.
    Of any other image it is its whole name: one that may have another Ray is taken as
    one that has.
    """
    found = TAG.match(image.partition("@")[0])
    if not found or found["odd"] or not found["patch"]:
        return image
    return "-".join(filter(None, (found["version"], found["python"])))


def check_tokens(image: str) -> None:
    """See that the Ray in *image* can ask for a token, as far as its name tells.

    Raises:
        ValueError: it cannot.
    """
    found = version(image)
    if found and found < TOKENS:
        raise ValueError(
            f"{image} is older than Ray 2.52, the first that can ask for a token: "
            "everybody who reaches it could run programs; take a newer image, or say "
            "`auth: false` in a playbook of your own"
        )


def known_trouble(image: str) -> Iterator[str]:
    """What a person who runs *image* should know."""
    found = version(image)
    if found and found < SAFE:
        yield (
            f"{image}: before Ray 2.54 a web page in a user's browser can end jobs "
            "(CVE-2026-27482); take a newer image"
        )
