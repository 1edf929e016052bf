"""Nothing at a path of a host, or only what was there before the first deploy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import OwnPath
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Thing
from provision.steps.files.foresight import at, foresee_at, read_at
from provision.steps.manifest.manifest import AS_IT_WAS, UNDONE

PROBE = read_shell(__file__, "absent_probe.sh")
REMOVE = 'rm -rf --one-file-system -- "$@"'
BROUGHT_PROBE = read_shell(__file__, "brought_probe.sh")
BROUGHT_REMOVE = read_shell(__file__, "brought_remove.sh")
STAYS = "stays."
"""Prefix of the fields of paths that were there before."""
BROUGHT = {"remove": "brought", "restore": "altered", "rights": "other rights"}
"""Reasons to change a path, by what BROUGHT_PROBE prints of it."""

KEPT = frozenset((BROUGHT["restore"], BROUGHT["rights"]))
"""Those after which something is still at the path."""


class FileAbsent(Absence, kind="file_absent"):
    """Nothing is at these paths: neither a file, nor a directory and all below it.

    A symbolic link goes, what it points to stays. With `only_brought` that goes which
    steps of provision have made, with all that came into it since; files and rights
    that they altered are put back as they were, and all else stays.

    Example:
        file_absent: {paths: [/var/lib/provision-lab], only_brought: true}

    Raises:
        RefusedError: a file system is mounted at or below one of them.
        ApplyError: something cannot be removed.

    Source: rm(1), GNU coreutils 8.32; proc(5).
    """

    title_format = "no {paths}"

    paths: Annotated[tuple[OwnPath, ...], Field(min_length=1)]
    only_brought: bool = False

    def probe(self) -> Sh:
        if self.only_brought:
            return Sh.of(BROUGHT_PROBE, *self.paths)
        return Sh.of(PROBE, *self.paths)

    def observe(self, reply: Reply) -> State:
        found = super().observe(reply)
        if self.only_brought:
            return _brought(found)
        return {
            self.paths[int(key[5:])] if key.startswith("path.") else key: value
            for key, value in found.items()
        }

    def remarks(self, observed: State) -> Iterator[str]:
        for key in observed:
            if key.startswith(STAYS):
                path = key.removeprefix(STAYS)
                yield f"{path} stays: no run is known to have made it"

    def describes(self) -> list[Thing]:
        return [at(path) for path in self.paths]

    def reads(self) -> list[Thing]:
        return [thing for path in self.paths for thing in read_at(path)]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        gone: dict[Thing, State] = {
            at(c.field): {} for c in changes if c.before not in KEPT
        }
        return gone | {UNDONE: {"files": "undone"}}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        if self.only_brought and any(written.values()):
            return None
        if self.only_brought:
            return {k: v for k, v in observed.items() if _at(k, v, written)}
        there = {path: _at(path, observed.get(path), written) for path in self.paths}
        kept = {key: value for key, value in observed.items() if key not in there}
        return kept | {path: s["type"] for path, s in there.items() if "type" in s}

    def plan(self, observed: State) -> list[Change]:
        if mount := observed.get("mount"):
            raise RefusedError(
                f"a file system is mounted at {mount}",
                hint="unmount it first: what is on it would be lost as well",
            )
        return [
            Change(c.field, c.before, AS_IT_WAS) if c.before in KEPT else c
            for c in super().plan(observed)
            if not c.field.startswith(STAYS)
        ]

    def apply(self, changes: Sequence[Change]) -> Sh:
        if self.only_brought:
            return Sh.of(BROUGHT_REMOVE, *self.paths)
        return Sh.of(REMOVE, *self.paths)


def _at(path: str, kind: str | None, written: Mapping[Thing, State]) -> State:
    """Return what is at *path*, where a *kind* of file is now, once *written* is done."""
    return foresee_at(path, {} if kind is None else {"type": kind}, written)


def _brought(found: Mapping[str, str]) -> dict[str, str]:
    """Return what is to be undone by path, from lines `ACTION.NUMBER=PATH`."""
    state = {}
    for key, value in found.items():
        action, _, number = key.partition(".")
        if number and action in BROUGHT:
            state[value] = BROUGHT[action]
        else:
            state[f"{STAYS}{value}" if action == "stays" else key] = value
    return state
