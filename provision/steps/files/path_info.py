"""State of paths on a host, probed for all steps at once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from provision.errors import ProbeError
from provision.model.shell import Reply
from provision.model.shell_file import read_shell

PROBE = read_shell(__file__, "paths_probe.sh")
"""Probe of each path; for one that ends with a slash, of the target of a link there.

For a directory that ends with `/.` also whether something is in it that no run brought.
"""


@dataclass(frozen=True, slots=True)
class PathInfo:
    """State of a path: its type as stat(1) calls it, its mode and owner.

    Attributes:
        links: how many names it has; 1 = no other.
        is_foreign: true of a directory with content that no run brought, if that was asked.
        sha256: a file's digest.
    """

    type: str
    mode: str
    uid: str
    owner: str
    gid: str
    group: str
    links: int = 1
    sha256: str = ""
    is_foreign: bool = False

    @property
    def content(self) -> dict[str, str]:
        """A file's digest as a state."""
        return {"content": f"sha256:{self.sha256}"} if self.sha256 else {}


def found(reply: Reply) -> Mapping[str, PathInfo]:
    """Return the reply of PROBE by path, as it was asked; missing paths are left out.

    Raises:
        ProbeError: the state is unknown.
    """
    if reply.exit != 0:
        raise ProbeError("cannot tell the state", details=reply.tail())
    return _parse(reply.stdout)


# A joint reply is read by every step that has a path in it; hosts often say the same.
@functools.lru_cache(maxsize=64)
def _parse(text: str) -> Mapping[str, PathInfo]:
    sums, there, foreign = {}, {}, set()
    # A name may have what other systems take for the end of a line.
    lines = [line for line in text.split("\n") if line]
    for line in lines:
        if line.startswith("foreign "):
            foreign.add(line.removeprefix("foreign "))
        elif not line.startswith("stat "):
            digest, path = _sum(line)
            sums[path] = digest
    for line in lines:
        about, _, path = line.partition(":")
        if line.startswith("stat "):
            _, mode, uid, owner, gid, group, links, type_ = about.split(" ", 7)
            # An empty file is a "regular empty file".
            type_ = "file" if type_.startswith("regular ") else type_
            digest = sums.get(path, "")
            there[path] = PathInfo(
                type_,
                mode,
                uid,
                owner,
                gid,
                group,
                int(links),
                digest,
                path in foreign,
            )
    return there


def _sum(line: str) -> tuple[str, str]:
    """Digest and path of a line of sha256sum(1), which writes a backslash as two."""
    digest, _, path = line.partition("  ")
    if digest.startswith("\\"):
        return digest[1:], path.replace("\\\\", "\\")
    return digest, path
