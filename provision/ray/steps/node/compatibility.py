"""Which Ray an image has, and which differences the nodes of one cluster cannot have.

Most changes of a node can wait until it is that node's turn. Where nodes before and
after the change could not work in one cluster, all of them change at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.report.text import listed
from provision.steps.docker.container.container import IN_PLACE_FIELDS, file_field

TAG = re.compile(
    r"(?:.*/)?ray(?:-[a-z]+)?:(?P<version>(\d+)\.(\d+)(?P<patch>\.\d+(?:rc\d+)?)?)"
    r"(?P<suffix>[^/-][^/]*)?(?:-(?P<python>py\d+))?(?:-[\w.-]+)?\Z"
)
"""An image of Ray's own name: the tag of any other image says nothing about Ray."""
FIRST_WITH_TOKENS = (2, 52)
"""Older releases know no token: they would run, and let everybody in."""
FIRST_SAFE = (2, 54)
"""With an older one, a web page in a user's browser can end jobs (CVE-2026-27482)."""
VERSION_FIELD = "label.provision.ray_version"
FULL_RESTART = "full_restart"
"""The field of the change that says why all nodes are replaced at once."""
SHARED_FIELDS = {
    "env.RAY_AUTH_MODE": "token authentication",
    "env.RAY_USE_TLS": "TLS",
    "--port": "the head's port",
    "--address": "the head's address",
}
"""Fields in which the nodes of a cluster cannot differ, with their names in messages."""
SHARED_FILES = {
    "/auth_token": "the token",
    "/authority.crt": "the certificate authority",
}
"""Files of which the same holds, by the end of their paths; a node's other files are its own."""


def release_of(image: str) -> tuple[int, int] | None:
    """Return Ray's major and minor version; None = the name does not say.

    `rayproject/ray:2.60.0-py312-cu128` says it, `rayproject/ray:nightly` and
    `registry.lan/simulation:1.2` do not.
    """
    found = TAG.match(image.partition("@")[0])
    return (int(found[2]), int(found[3])) if found else None


def ray_version_of(image: str) -> str:
    """Return the version of Ray, or of Ray and Python, that all nodes must share.

    Only the tags of Ray's own images say it, and only if they name the version to the
    last digit. Of any other image it is the whole name: an image that may have another
    Ray is treated as one that has.
    """
    found = TAG.match(image.partition("@")[0])
    if not found or found["suffix"] or not found["patch"]:
        return image
    return "-".join(filter(None, (found["version"], found["python"])))


def check_token_support(image: str) -> None:
    """Check that the Ray in *image* knows tokens, as far as the image's name says.

    Raises:
        ValueError: it does not.
    """
    found = release_of(image)
    if found and found < FIRST_WITH_TOKENS:
        raise ValueError(
            f"{image} is older than Ray 2.52, the first that can ask for a token: "
            "everybody who reaches it could run programs; use a newer one, or set "
            "`auth: false` in a playbook of your own"
        )


def check_same_ray(node: tuple[str, str], head: tuple[str, str]) -> None:
    """Check that a node and its head have the same Ray and Python, as far as is known.

    Args:
        node: its image, and the `ray_version` that is given for it; "" = none.
        head: the same of the head.

    Raises:
        ValueError: they have not, or nobody knows.
    """
    (image, said), (of_head, said_of_head) = node, head
    mine, theirs = (
        said or ray_version_of(image),
        said_of_head or ray_version_of(of_head),
    )
    if mine == theirs:
        return
    unknown = [name for name in (mine, theirs) if name in (image, of_head)]
    if unknown:
        like = next((v for v in (mine, theirs) if v not in unknown), "2.60.0-py312")
        raise ValueError(
            f"{unknown[0]} does not say which Ray it has, and the head has another image; "
            f"write for the hosts with it: `ray_version: {like}` (what it really has: "
            f"`docker run --rm {unknown[0]} sh -c 'ray --version; python --version'`)"
        )
    raise ValueError(
        f"{image} has Ray {mine}, and the head's {of_head} has {theirs}: all nodes of a "
        "cluster have the same Ray and the same Python, and their tags say both, such as "
        "2.60.0-py312 and 2.60.0-py312-aarch64"
    )


def version_warnings(image: str) -> Iterator[str]:
    """Yield what is known to be wrong with the Ray in *image*."""
    found = release_of(image)
    if found and found < FIRST_SAFE:
        yield (
            f"{image}: before Ray 2.54 a web page in a user's browser can end jobs "
            "(CVE-2026-27482); use a newer image"
        )


def may_change_ray(changes: Iterable[Change], *, version_known: bool) -> bool:
    """Return whether *changes* may bring another Ray.

    Args:
        changes: of a node's container.
        version_known: another image of the same version is then harmless.
    """
    fields = {change.field for change in changes}
    return VERSION_FIELD in fields or (not version_known and "image_id" in fields)


def full_restart(
    observed: State, changes: Sequence[Change], *, version_known: bool
) -> Iterator[Change]:
    """Yield the change that says why a running node cannot wait for its turn, if so."""
    if observed.get("status") == "running":
        for why in _reasons(changes, version_known):
            after = f"all nodes at once, running jobs end: {why}"
            yield Change(FULL_RESTART, None, after)
            return


def parts_cluster_error(at_once: Change, left_out: Sequence[str]) -> RefusedError:
    """Return the refusal to replace a node that works and not those on *left_out*."""
    why = (at_once.after or "").partition(": ")[2]
    return RefusedError(
        f"{why}: this node works with those on {listed(list(left_out))}, which this run leaves "
        "out, and could not join them after the change",
        hint="leave --limit out, so that all nodes are replaced at once",
    )


def _reasons(changes: Sequence[Change], version_known: bool) -> Iterator[str]:
    by_field = {change.field: change for change in changes}
    if version := by_field.get(VERSION_FIELD):
        yield f"Ray {version.before or '(unknown)'} and {version.after} cannot mix"
    if may_change_ray(changes, version_known=version_known):
        yield "the image may have another Ray (set ray_version to say which it has)"
    for shared in filter(None, map(_shared, by_field)):
        yield f"nodes cannot differ in {shared}"


def _shared(field: str) -> str:
    """Return what of the whole cluster *field* is about; "" = nodes can differ in it."""
    if not field.startswith(file_field("")):
        return SHARED_FIELDS.get(field, "")
    found = (name for end, name in SHARED_FILES.items() if field.endswith(end))
    return next(found, "")


def can_wait(observed: State, changes: Sequence[Change]) -> bool:
    """Return whether a node that differs by *changes* works until it is replaced."""
    works = observed.get("health") in {"healthy", "starting"}
    replaced = any(change.field not in IN_PLACE_FIELDS for change in changes)
    return observed.get("status") == "running" and works and replaced


def can_go_back(changes: Sequence[Change], *, is_first: bool) -> bool:
    """Return whether a node works in its cluster without *changes*, which failed.

    Args:
        changes: of the node's container.
        is_first: whether the other nodes are still as they were, if all are replaced.
    """
    fields = [change.field for change in changes]
    if set(fields) <= IN_PLACE_FIELDS or any(map(_shared, fields)):
        return False
    return is_first or FULL_RESTART not in fields
