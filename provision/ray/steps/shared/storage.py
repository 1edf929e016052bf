"""The shared folders of a host as they are: mounted, how large, how much is free."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from provision.model.change import Change, State
from provision.steps.mounts.mount import MOUNTED, PATH, ROOM, field

SHARED = "shared"
"""The field of a folder with what is to be there: a source, or `own` and its path."""
OWN = "own"
HANGS, BROKEN, ABSENT, UNKNOWN = "hangs", "broken", "not mounted", "unknown"
FULL_SHARE = 20
"""Parts of a folder of which one or less is free when it is nearly full."""
UNITS = ("MB", "GB", "TB", "PB")


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """One shared folder on one host.

    Attributes:
        at: its path on all nodes.
        source: the server and the path there; "" = it is this host's own folder.
        state: mounted, own, hangs, broken, not mounted, or what is mounted in its place.
        size_mb: of its file system; None = unknown.
        free_mb: None = unknown.
    """

    at: str
    source: str
    state: str
    size_mb: int | None = None
    free_mb: int | None = None

    @property
    def cell(self) -> str:
        """It in a few words."""
        known = self.size_mb is not None and self.free_mb is not None
        words = [] if self.state == MOUNTED and known else [self.state]
        if self.size_mb is not None and self.free_mb is not None:
            words.append(free_room(self.free_mb, self.size_mb))
        return f"{self.at} {', '.join(words)}"


def free_room(free_mb: int, size_mb: int) -> str:
    """Return the free room in words, such as `1.2 of 2.0 TB free`."""
    unit, size, free = 0, float(size_mb), float(free_mb)
    while size >= 1024 and unit < len(UNITS) - 1:
        unit, size, free = unit + 1, size / 1024, free / 1024
    digits = 1 if size < 100 else 0
    return f"{free:.{digits}f} of {size:.{digits}f} {UNITS[unit]} free"


def folder_states(
    observed: State, changes: Iterable[Change] = ()
) -> Iterator[FolderStatus]:
    """Yield the shared folders of a host.

    Args:
        observed: as `ray_shared_mount` observed the host.
        changes: what it would change: folders that are not there are only in these.
    """
    known = set()
    for key, wanted in observed.items():
        what, _, at = key.partition(" ")
        if what == SHARED:
            known.add(at)
            yield _folder(observed, at, wanted)
    for change in changes:
        what, _, at = change.field.partition(" ")
        if what == MOUNTED and at not in known:
            yield FolderStatus(at, change.after or "", ABSENT)


def _folder(observed: State, at: str, wanted: str) -> FolderStatus:
    own = wanted.removeprefix(f"{OWN} ") if wanted.startswith(f"{OWN} ") else ""
    path = own or at
    how = observed.get(field(path, PATH), "")
    mounted = observed.get(field(path, MOUNTED), "")
    room = observed.get(field(path, ROOM), "").split()
    if how in {HANGS, BROKEN}:
        return FolderStatus(at, "" if own else wanted, how)
    there = {"": ABSENT, wanted: MOUNTED}.get(mounted, f"has {mounted}")
    state = OWN if own else there
    if state not in {OWN, MOUNTED} or len(room) != 2:
        return FolderStatus(at, "" if own else wanted, state)
    return FolderStatus(at, "" if own else wanted, state, *map(int, room))


def nearly_full(observed: State, outside: Collection[str]) -> Iterator[str]:
    """Yield a warning for each folder with little room that this host has.

    Also for those at the paths *outside*, whose server is no host of the cluster.
    """
    for folder in folder_states(observed):
        told = folder.state == OWN or folder.at in outside
        size, free = folder.size_mb, folder.free_mb
        if told and size and free is not None and free * FULL_SHARE <= size:
            yield (
                f"the shared folder {folder.at} is nearly full: {free_room(free, size)}; "
                "make room, since jobs fail that write there"
            )


def served(folders: Mapping[str, Sequence[FolderStatus] | None]) -> Iterator[str]:
    """Yield who serves each folder and how many hosts have it, as a line each.

    Args:
        folders: those of each host, by its name; None = unknown.
    """
    paths = dict.fromkeys(one.at for each in folders.values() for one in each or ())
    for at in paths:
        found = [
            (name, one)
            for name, each in folders.items()
            for one in each or ()
            if one.at == at
        ]
        sources = [one.source for _, one in found if one.source]
        own = [name for name, one in found if not one.source]
        server = " of ".join([*sources[:1], *own]) or UNKNOWN
        ready = sum(one.state in {OWN, MOUNTED} for _, one in found)
        unknown = sum(each is None for each in folders.values())
        rest = f", unknown on {unknown}" if unknown else ""
        yield f"shared {at}: {server}, on {ready} of {len(found) + unknown} hosts{rest}"
