"""Room on a host for what a step is to bring: free space and inodes of its file systems.

A host is asked only where something is missing, and answers where it has too little
(`room.sh`). What is needed is a parameter,
since neither a package's index nor a registry says how much room a thing takes once it is
unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import State

ROOM = "room."
"""Prefix of the fields with the free KiB of a file system, by mount point."""
INODES = "inodes."
"""Prefix of the fields with the free and all inodes of a directory's file system."""
INODES_PER_MB = 10
"""Inodes that are needed for each MB: files of images and packages have 100 kB on average.

`room.sh` has the same number.
"""

Megabytes = Annotated[int, Field(ge=0)]
"""Room in MB (2**20 bytes); 0 = it is not looked at."""


def room_fields(found: State) -> dict[str, str]:
    """Return the fields of *found* about room."""
    return {k: v for k, v in found.items() if k.startswith((ROOM, INODES))}


def refuse_full(observed: State, what: str, needed_mb: int, parameter: str) -> None:
    """Raise RefusedError if a file system has no room for *what*.

    Args:
        observed: a state with the fields of `room.sh`; without them nothing is known.
        what: what is to come, for the message.
        needed_mb: the room that it needs; 0 = it is not looked at.
        parameter: the name of that parameter, for the message.
    """
    short = list(_shortages(observed, needed_mb)) if needed_mb else []
    if short:
        raise RefusedError(
            f"no room for {what}: {'; '.join(short)}",
            hint=f"make room there; `{parameter}` says how much is asked for (0: not asked)",
        )


def _shortages(observed: State, needed_mb: int) -> Iterator[str]:
    for field, value in observed.items():
        if field.startswith(ROOM):
            free_mb = int(value) // 1024
            if free_mb < needed_mb:
                mount = field.removeprefix(ROOM)
                yield f"{mount} has {free_mb} MB free, and {needed_mb} MB are needed"
        elif field.startswith(INODES):
            free, _, total = value.partition(" ")
            needed = needed_mb * INODES_PER_MB
            if int(total or 0) and int(free) < needed:
                path = field.removeprefix(INODES)
                yield (
                    f"the file system of {path} has {free} inodes free, and {needed} are "
                    "needed"
                )
