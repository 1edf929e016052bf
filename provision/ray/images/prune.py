"""Images that deploys have brought and nothing uses, removed by age and number."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

from provision.config import playbook as playbooks
from provision.config.inventory import Inventory
from provision.config.playbook import Play
from provision.engine.each_host import Results
from provision.engine.run import (
    FORKS,
    ClusterOptions,
    Hosts,
    RunOptions,
    apply,
    load_inventory,
    plan,
)
from provision.model.result import Run
from provision.ray.head import PLAYBOOK, stored_secrets
from provision.ray.images.facts import Image
from provision.ray.images.survey import survey
from provision.ray.on_hosts.logs import age_s
from provision.ray.on_hosts.selection import chosen
from provision.report.reporters import Reporter
from provision.steps.docker.image import DockerImage, DockerImageAbsent

KEEP = 1
"""Unused images that stay on each host by default: the one before, for a way back."""


@dataclass(frozen=True)
class ImagePrune:
    """A removal of images that can be planned and applied.

    Attributes:
        inventory: the cluster.
        options: of both runs.
        chosen: by host, the images to remove.
        answers: the images of each host, or why they are not known.
    """

    inventory: Inventory
    options: ClusterOptions
    chosen: Mapping[str, tuple[Image, ...]]
    answers: Results[tuple[Image, ...]]

    def plan(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Return what would be removed."""
        return plan(self.inventory, self._plays(), **self._with(reporters))

    def apply(self, reporters: Sequence[Reporter] = ()) -> Run:
        """Remove the images. Docker refuses to remove one that a container uses by then.

        Raises:
            LockHeldError: another run is changing this cluster.
        """
        return apply(self.inventory, self._plays(), **self._with(reporters))

    def _with(self, reporters: Sequence[Reporter]) -> RunOptions:
        whole: RunOptions = {"limit": "", "tags": (), "diff": False}
        return {**whole, **self.options, "reporters": reporters}

    def _plays(self) -> list[Play]:
        return [
            Play(
                play=f"images of {host}",
                hosts=host,
                become=True,
                steps=tuple(
                    DockerImageAbsent(name=name, only_brought=True)
                    for image in images
                    for name in image.brought
                ),
            )
            for host, images in self.chosen.items()
            if images
        ]


def find_image_prune(
    inventory: Hosts,
    *,
    keep: int = KEEP,
    older_than: str = "",
    limit: str = "",
    **options: Unpack[ClusterOptions],
) -> ImagePrune:
    """Find the images that deploys have brought and that no container uses.

    Those that the playbook names for a host stay there, whether or not a container runs.

    Args:
        inventory: the cluster.
        keep: how many of the others stay on each host, the latest ones.
        older_than: an age, such as 7d; what came to the host since then stays.
        limit: a pattern; only these hosts.
        options: `sets`, `forks`, `credentials`.

    Raises:
        InputErrors: the inventory, the pattern, the age or the playbook is wrong.
    """
    least_s = age_s(older_than) if older_than else 0
    cluster = load_inventory(inventory, options)
    hosts = chosen(cluster, limit)
    wanted = wanted_images(cluster, options.get("sets", {}))
    answers = survey(hosts, options.get("forks", FORKS))
    now = time.time()
    found = {
        host: unused(images, wanted.get(host, set()), keep, now - least_s)
        for host, images in answers.values.items()
    }
    return ImagePrune(cluster, options, found, answers)


def prune_images(
    inventory: Hosts,
    *,
    keep: int = KEEP,
    older_than: str = "",
    limit: str = "",
    **options: Unpack[ClusterOptions],
) -> Run | None:
    """Remove what `find_image_prune` finds; None if that is nothing.

    Raises:
        InputErrors: as there.
        LockHeldError: another run is changing this cluster.
    """
    found = find_image_prune(
        inventory, keep=keep, older_than=older_than, limit=limit, **options
    )
    if not any(found.chosen.values()):
        return None
    return found.apply(options.get("reporters", ()))


def unused(
    images: Sequence[Image], wanted: set[str], keep: int, before: float
) -> tuple[Image, ...]:
    """Return those of a host's *images* that may go, the latest first.

    Args:
        images: all of the host.
        wanted: names that the playbook has for the host.
        keep: how many of the latest stay.
        before: an image that came later stays, and one of which that is not known.
    """
    ours = [
        image
        for image in images
        if image.brought and not image.used_by and not wanted.intersection(image.names)
    ]
    # One of unknown age counts as the latest: it is the last to go.
    ours.sort(key=lambda i: before + 1 if i.since is None else i.since, reverse=True)
    return tuple(i for i in ours[keep:] if i.since is not None and i.since <= before)


def wanted_images(cluster: Inventory, sets: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the names of the images that the playbook of the deploy has for each host.

    Raises:
        InputErrors: inventory or playbook are wrong.
    """
    bound = playbooks.bind(
        playbooks.load(playbooks.find(PLAYBOOK), cluster.credentials),
        cluster,
        secrets=stored_secrets(cluster),
        sets=sets,
    )
    found: dict[str, set[str]] = {}
    for play in bound.plays:
        for host, row in play.steps.items():
            for item in row:
                if isinstance(item.step, DockerImage):
                    found.setdefault(host, set()).add(item.step.name)
    return found
