"""The options of the commands about images."""

from __future__ import annotations

from dataclasses import dataclass

from provision.cli.options import CommandOptions, option


@dataclass(frozen=True, slots=True)
class ImageOptions(CommandOptions):
    """Options of one or several of the commands about images."""

    place: str = option("", "the host")
    tag: str = option("", "the name of the new image, NAME:TAG")
    deploy: bool = option(
        default=False, text="bring it to the other hosts of the cluster, too"
    )
    keep: str = option("", "how many unused images stay on each host (default: 1)")
    older_than: str = option("", "only what came to the host before: 12h, 7d")
    json: bool = option(default=False, text="print the result as JSON")
