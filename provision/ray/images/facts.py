"""Images of one host, read from what `survey.sh` prints."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provision.errors import HostError

ORIGIN = "provision.commit."
"""Beginning of the labels that say of which container an image was made."""
FRACTION = re.compile(r"\.\d+")
ZERO_YEAR = "0001-"
"""Beginning of a time that Docker does not know."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image on one host.

    Attributes:
        id: as the host's Docker names it.
        names: with their tags; none for one that has lost its name.
        digests: names with the digests that registries have for it.
        size: bytes, with the layers that it shares with others.
        created: when it was made, wherever that was; seconds since 1970, None = not known.
        came: when it came to the host, or got a name there; None = not known.
        labels: of the image.
        brought: those of its names that a run of provision brought to the host.
        used_by: the containers that are made of it, also those that do not run.
    """

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    size: int
    created: int | None
    came: int | None
    labels: Mapping[str, str] = field(hash=False)
    brought: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()

    @property
    def since(self) -> int | None:
        """The time from which its age counts."""
        return self.created if self.came is None else self.came

    @property
    def origin(self) -> Mapping[str, str]:
        """The origin that is in its labels: of `commit`; {} = none."""
        return {
            name.removeprefix(ORIGIN): value
            for name, value in self.labels.items()
            if name.startswith(ORIGIN)
        }

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "id": self.id,
            "names": [*self.names],
            "digests": [*self.digests],
            "size": self.size,
            "created": self.created,
            "came": self.came,
            "brought": [*self.brought],
            "used_by": [*self.used_by],
            "origin": dict(self.origin),
        }


def read(host: str, text: str) -> tuple[Image, ...]:
    """Read the output of `survey.sh`.

    Raises:
        HostError: it is not whole.
    """
    lines = [line.partition(" ") for line in text.splitlines()]
    if not lines or lines[-1][0] != "all":
        raise HostError(f"{host}: its images were not read to the end")
    try:
        return _images([(word, rest) for word, _, rest in lines])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HostError(f"{host}: Docker's answer cannot be read: {error!r}") from error


def _images(lines: Sequence[tuple[str, str]]) -> tuple[Image, ...]:
    brought = {rest for word, rest in lines if word == "brought"}
    users: dict[str, list[str]] = {}
    for word, rest in lines:
        if word == "container":
            one = json.loads(rest)
            users.setdefault(one["image"], []).append(one["name"].lstrip("/"))
    found = {
        one["id"]: _image(one, brought, users.get(one["id"], []))
        for one in (json.loads(rest) for word, rest in lines if word == "image")
    }
    return tuple(found.values())


def _image(one: Mapping[str, Any], brought: set[str], users: Sequence[str]) -> Image:
    names = tuple(one["names"] or ())
    return Image(
        id=one["id"],
        names=names,
        digests=tuple(one["digests"] or ()),
        size=int(one["size"]),
        created=seconds(one["created"]),
        came=seconds(one["came"]),
        labels=one["labels"] or {},
        brought=tuple(name for name in names if _same(name, brought)),
        used_by=tuple(sorted(users)),
    )


def _same(name: str, brought: set[str]) -> bool:
    """Tell whether *name* is one of *brought*, which playbooks may write in a short form."""
    short = short_name(name)
    forms = {short, short.removesuffix(":latest")}
    return any(short_name(other) in forms for other in brought)


def short_name(name: str) -> str:
    """Return *name* as Docker shows it: without what it adds itself."""
    return name.removeprefix("docker.io/").removeprefix("library/")


def seconds(text: str | None) -> int | None:
    """Return a time of Docker's in seconds since 1970; None if it does not know it."""
    if not text or text.startswith(ZERO_YEAR):
        return None
    # Docker has nine digits of a second, Python takes six.
    return int(datetime.fromisoformat(FRACTION.sub("", text)).timestamp())
