"""An image made of Ray's container of one host, with its origin in labels."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

from provision.config.inventory import Host, Inventory
from provision.engine.each_host import Results, on_each
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import HostError
from provision.invocation import program, runner
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.ray.images.facts import ORIGIN
from provision.ray.images.origin import changes, check_tag, emptied
from provision.ray.images.survey import run_on
from provision.ray.on_hosts.places import ray_container
from provision.ray.on_hosts.selection import chosen_one
from provision.transport.protocol import Transport

INSPECT = read_shell(__file__, "inspect.sh")
COMMIT = read_shell(__file__, "commit.sh")
LOOK_S = 60.0
LIMIT_S = 1800.0
WAS_HEALTHY = "/tmp/provision-was-healthy"  # noqa: S108 - a path in the container
"""Made by the health check of a node: see `replace.sh`."""
SPARE = 100 * 2**20
"""Bytes that stay free beside the new image."""


@dataclass(frozen=True, slots=True)
class Committed:
    """An image that was made of a container.

    Attributes:
        host: the host it was made on.
        tag: its name.
        id: as the host's Docker names it.
        base: the image that the container was made of.
        ray_version: the Ray in it, which its name does not say; "" = not known.
        size: bytes that it has more than its base.
        emptied: variables of the container that the image does not keep.
        there: it was there already, made of this container before.
        origin: what its labels say.
    """

    host: str
    tag: str
    id: str
    base: str
    ray_version: str
    size: int
    emptied: tuple[str, ...] = ()
    there: bool = False
    origin: Mapping[str, str] = field(default_factory=dict, hash=False)


def commit(
    inventory: Hosts, host: str, tag: str, **options: Unpack[ClusterOptions]
) -> Committed:
    """Make an image of Ray's container on *host*; the container stands still meanwhile.

    Args:
        inventory: the cluster.
        host: its name.
        tag: the name of the image, NAME:TAG.
        options: `credentials`.

    Raises:
        InputErrors: inventory, host or tag are wrong.
        HostError: there is no such container, the name is that of another image, or there
            is no room.
    """
    check_tag(tag)
    cluster = load_inventory(inventory, options)
    chosen, name = chosen_one(cluster, host), ray_container(cluster)
    found: Results[Committed] = on_each(
        [chosen], lambda one, link: _on(cluster, one, link, name, tag), forks=1
    )
    return found.all_values()[chosen.name]


def _on(
    cluster: Inventory, host: Host, link: Transport, name: str, tag: str
) -> Committed:
    seen = _inspected(
        host, run_on(host, link, Sh.of(INSPECT, name=name, tag=tag), LOOK_S)
    )
    container, base = seen["container"], seen["base"]
    origin = _origin(cluster, host, container, base)
    made = Committed(
        host=host.name,
        tag=tag,
        id="",
        base=origin["base"],
        ray_version=_labels(container).get("provision.ray_version", ""),
        size=int(container.get("SizeRw") or 0),
        emptied=tuple(emptied(container, base)),
        origin=origin,
    )
    if taken := seen.get("taken"):
        return _there(made, taken)
    if (status := str(container["State"]["Status"])) != "running":
        raise HostError(
            f"{host.name}: the container {name} is {status}, not running",
            hint=f"`{program()} deploy` starts it",
        )
    if seen["free"] * 1024 < made.size + SPARE:
        raise HostError(
            f"{host.name}: no room for the image: {seen['free'] // 1024} MB are free where "
            f"Docker keeps its data, {(made.size + SPARE) // 2**20} MB are needed",
            hint=f"`{program()} images.prune` removes images that are not in use",
        )
    sh = Sh.of(
        COMMIT,
        *changes(container, base, origin),
        name=name,
        tag=tag,
        author=origin["by"],
        message=f"of {name} on {host.name}",
        mark=WAS_HEALTHY,
    )
    printed = run_on(host, link, sh, LIMIT_S).split()
    return _with(made, id=printed[-1] if printed else "")


def _there(made: Committed, taken: Mapping[str, Any]) -> Committed:
    """Return the image that has the name already, if it was made of this container."""
    origin = {
        key.removeprefix(ORIGIN): value
        for key, value in _labels(taken).items()
        if key.startswith(ORIGIN)
    }
    if origin.get("container") != made.origin["container"]:
        raise HostError(
            f"{made.host}: the name {made.tag} is that of another image, {taken['Id'][:19]}",
            hint="choose another --tag: a name that changes its meaning is not what hosts "
            "that have it would follow",
        )
    return _with(made, id=str(taken["Id"]), there=True, origin=origin)


def _with(made: Committed, **values: Any) -> Committed:
    return replace(made, **values)


def _origin(
    cluster: Inventory,
    host: Host,
    container: Mapping[str, Any],
    base: Mapping[str, Any],
) -> dict[str, str]:
    digests = base.get("RepoDigests") or []
    return {
        "base": str(container["Config"]["Image"]),
        "base_id": str(container["Image"]),
        "base_digest": str(digests[0]) if digests else "",
        "cluster": cluster.cluster,
        "host": host.name,
        "container": str(container["Id"]),
        "unset": " ".join(emptied(container, base)),
        "by": runner(),
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _labels(one: Mapping[str, Any]) -> Mapping[str, str]:
    return (one.get("Config") or {}).get("Labels") or {}


def _inspected(host: Host, text: str) -> dict[str, Any]:
    found = {}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        found[word] = rest
    try:
        return {word: json.loads(rest) for word, rest in found.items()} | {
            "free": int(found["free"]),
            "base": json.loads(found["base"]),
        }
    except (ValueError, KeyError) as error:
        raise HostError(
            f"{host.name}: Docker's answer cannot be read: {error!r}"
        ) from error
