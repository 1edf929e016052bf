"""What the nodes of a cluster must have alike: where it changes, all change at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from provision.model.change import Change, State
from provision.steps.docker.container import IN_PLACE_FIELDS, file_field

VERSION = "label.provision.ray_version"
ALIKE = {
    "env.RAY_AUTH_MODE": "whether a token is asked for",
    "env.RAY_USE_TLS": "whether TLS is talked",
    "--port": "the head's port",
    "--address": "where the head is",
}
"""Fields that nodes of one cluster cannot have otherwise, with what they are about."""
ALIKE_FILES = {"/auth_token": "the token", "/authority.crt": "who signs certificates"}
"""Files of which the same is true, by how their names end; each node has its own others."""


def new_ray(changes: Iterable[Change], *, known: bool) -> bool:
    """Whether *changes* may bring another Ray: tables of one are not read by another.

    Args:
        changes: of a node's container.
        known: the version is, so another image of the same version is harmless.
    """
    fields = {change.field for change in changes}
    return VERSION in fields or (not known and "image_id" in fields)


def swap(
    observed: State, changes: Sequence[Change], *, known: bool
) -> Iterator[Change]:
    """The change that says why a running node cannot be replaced in turn; none: it can."""
    if observed.get("status") != "running":
        return
    said = {change.field: change for change in changes}
    if VERSION in said:
        before, after = said[VERSION].before, said[VERSION].after
        why = f"Ray {before or '(unknown)'} and {after} cannot mix"
    elif new_ray(changes, known=known):
        why = "nobody says which Ray is in the image (ray_version)"
    elif found := [what for field in said if (what := _agreed(field))]:
        why = f"they must agree on {found[0]}"
    else:
        return
    yield Change("swap", None, f"all nodes at once, jobs end: {why}")


def _agreed(field: str) -> str:
    """What of a cluster *field* is about; "" = nodes can differ in it."""
    if not field.startswith(file_field("")):
        return ALIKE.get(field, "")
    return next((ALIKE_FILES[end] for end in ALIKE_FILES if field.endswith(end)), "")


def usable(observed: State, changes: Sequence[Change]) -> bool:
    """Whether a node that differs by *changes* works, and can wait to be replaced."""
    works = observed.get("health") in {"healthy", "starting"}
    differs = any(change.field not in IN_PLACE_FIELDS for change in changes)
    return observed.get("status") == "running" and works and differs
