"""Mount points as things that steps write and read, and lines of fstab(5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from provision.model.fields import Parameters, normal
from provision.model.step import Thing

NETWORK = ("nfs", "nfs4", "cifs", "ceph", "glusterfs", "fuse.sshfs")
"""Types of file systems that need the network."""
COLUMNS = 2
"""The fewest words of a line: what is mounted, and where."""


def mounted_at(path: str) -> Thing:
    """Return what is mounted at *path* as a thing."""
    return f"mounted:{PurePosixPath(path)}"


def _below_root(path: str) -> str:
    found = normal(path)
    if found == "/":
        raise ValueError("the root itself is not mounted by a step")
    return found


Column = Annotated[str, Field(pattern=r"\A[^\s\\#][^\s\\]*\z")]
"""A word of a line in fstab(5), which has no blanks."""
MountPath = Annotated[str, Field(pattern=r"\A/[^\s\\]+\z"), AfterValidator(_below_root)]


class MountEntry(Parameters):
    """One file system and its place, as a line of fstab(5) has them."""

    source: Column
    path: MountPath
    type: Annotated[str, Field(pattern=r"\A[a-z0-9._-]+\z")] = "nfs"
    options: Annotated[str, Field(pattern=r"\A[^\s\\]*\z")] = ""

    @property
    def all_options(self) -> str:
        """The options, with those of file systems that need the network."""
        if self.options:
            return self.options
        # A boot goes on without a server that is down.
        return "_netdev,nofail" if self.type in NETWORK else "defaults"

    @property
    def line(self) -> str:
        """Its line in fstab, without the path."""
        return f"{self.source} {self.type} {self.all_options}"


def _entries(value: object) -> object:
    return list(_lines(value)) if isinstance(value, str) else value


def _lines(text: str) -> Iterator[dict[str, str]]:
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < COLUMNS:
            raise ValueError(
                f"no line of fstab, which has a source and a path: {line!r}"
            )
        names = ("source", "path", "type", "options")
        yield dict(zip(names, words, strict=False))


def _once(entries: tuple[MountEntry, ...]) -> tuple[MountEntry, ...]:
    paths = [entry.path for entry in entries]
    for path in paths:
        if paths.count(path) > 1:
            raise ValueError(f"two file systems are to be mounted at {path}")
    return entries


Entries = Annotated[
    tuple[MountEntry, ...], BeforeValidator(_entries), AfterValidator(_once)
]
"""File systems and their places; text is read as lines of fstab(5)."""
