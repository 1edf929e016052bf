"""Mounts of a container: folders of the host, volumes of Docker, and memory.

/srv/data                   a folder or file of the host, at the same path
/srv/models:/models:ro      the same at another path, read-only
cache:/root/.cache          Docker's volume of this name, which outlives the container
tmpfs:/scratch:2000         at most 2000 MB of memory; without a number half of the host's
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

PATH = r"/[^:,\n\"]*"
BIND = re.compile(rf"(?P<source>{PATH})(:(?P<target>{PATH}))?(?P<ro>:ro)?\Z")
VOLUME = re.compile(
    rf"(?P<source>[A-Za-z0-9][A-Za-z0-9_.-]+):(?P<target>{PATH})(?P<ro>:ro)?\Z"
)
TMPFS = re.compile(rf"tmpfs:(?P<target>{PATH})(:(?P<size>[1-9][0-9]{{0,8}}))?\Z")


@dataclass(frozen=True, slots=True)
class Mounted:
    """One thing that is mounted in a container.

    Attributes:
        kind: `bind`, `volume` or `tmpfs`, as Docker calls them.
        target: its path in the container.
        source: the path on the host, or the name of the volume.
        readonly: whether the container may only read it.
        size_mb: most memory of a tmpfs; 0 = what the kernel gives.
    """

    kind: str
    target: str
    source: str = ""
    readonly: bool = False
    size_mb: int = 0

    def __str__(self) -> str:
        """Return the value of its field on the container."""
        if self.kind == "tmpfs":
            return f"tmpfs {self.size_mb} MB" if self.size_mb else "tmpfs"
        name = f"volume {self.source}" if self.kind == "volume" else self.source
        return f"{name}:ro" if self.readonly else name

    @property
    def flag(self) -> str:
        """The flag of `docker run`."""
        source = f",source={self.source}" if self.source else ""
        # A number with a unit is a new option of Docker 28; a plain one is in bytes.
        size = f",tmpfs-size={self.size_mb * 2**20}" if self.size_mb else ""
        readonly = ",readonly" if self.readonly else ""
        return f"--mount=type={self.kind}{source},target={self.target}{size}{readonly}"


def mounted(mount: str) -> Mounted:
    """Return what a validated *mount* says."""
    if found := TMPFS.match(mount):
        return Mounted("tmpfs", found["target"], size_mb=int(found["size"] or 0))
    if found := BIND.match(mount):
        target = found["target"] or found["source"]
        return Mounted("bind", target, found["source"], bool(found["ro"]))
    if found := VOLUME.match(mount):
        return Mounted("volume", found["target"], found["source"], bool(found["ro"]))
    raise ValueError(
        "must be SOURCE, SOURCE:TARGET or SOURCE:TARGET:ro with absolute paths, "
        "VOLUME:TARGET or VOLUME:TARGET:ro with the name of a volume of Docker, or "
        "tmpfs:TARGET or tmpfs:TARGET:MB"
    )


def host_paths(mounts: Iterable[str]) -> Iterator[str]:
    """Yield the paths of the host among *mounts*: what must be there."""
    for one in map(mounted, mounts):
        if one.kind == "bind":
            yield one.source


def _mount(value: object) -> object:
    """Return a mount in full: the target of a path of the host is always said."""
    found = mounted(value if isinstance(value, str) else "")
    if found.kind != "bind":
        return value
    return ":".join([found.source, found.target, *["ro"] * found.readonly])


Mount = Annotated[str, BeforeValidator(_mount)]
