"""File systems that are mounted now and after a boot, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Step, Thing
from provision.steps.mounts.mount_point import (
    Entries,
    MountEntry,
    MountPath,
    mounted_at,
)

PROBE = read_shell(__file__, "probe.sh")
MOUNT = read_shell(__file__, "mount.sh")
UNMOUNT = read_shell(__file__, "unmount.sh")
FSTAB, MOUNTED, PATH, ROOM = "fstab", "mounted", "path", "room"
"""Fields that the probe prints of a path."""
SAME_TYPE = {"nfs4": "nfs"}
"""The type of which another is a version."""
BINDS = ("none", "bind")
"""Types of what is mounted from another folder of the host, whose source is not told."""
EVIDENCE = "tail -n 20 /etc/fstab; dmesg 2>/dev/null | tail -n 5"


def field(path: str, what: str) -> str:
    """Return the name of a field: *what* the probe prints of *path*."""
    return f"{what} {path}"


def by_path(found: State, paths: Sequence[str]) -> dict[str, str]:
    """Return what the probe printed by the numbers of *paths*, by their names."""
    state = {}
    for key, value in found.items():
        number, _, what = key.partition(".")
        state[field(paths[int(number)], what)] = value
    return state


class Mount(Step, kind="mount"):
    """File systems that are mounted, and have a line in /etc/fstab for the next boot.

    `mounts` are entries, or text with lines of fstab(5), such as of a template. A line of
    the same path is replaced; the options of what is mounted already are those that it was
    mounted with. The type is nfs if none is given, and the options of what needs the network
    are _netdev,nofail. A folder that is missing is made. A file system that does not answer
    in 5 s is an error with its name, and mounting one may take `limit_s`.

    Example:
        mount: {mounts: [{source: "10.0.0.1:/srv/data", path: /data}]}
        mount: {mounts: "/dev/sdb1 /scratch xfs noatime"}

    Raises:
        RefusedError: another file system is mounted there, or files are in the folder, or
            what is mounted does not answer.
        ApplyError: it cannot be mounted, or not in time.

    Source: fstab(5) and mount(8), util-linux 2.36; proc_pid_mountinfo(5).
    """

    advice_table = {
        ("has not ended in",): (
            "the server does not answer: see that it is up and lets this host in, and deploy "
            "again; or take the mount out"
        ),
        ("access denied", "Permission denied"): (
            "the server does not let this host in: see its exports"
        ),
        ("bad option", "need a /sbin/mount", "helper program"): (
            "the program for this type is missing: install its package (nfs-common on "
            "Debian, nfs-utils on Fedora)"
        ),
        ("unknown filesystem type", "No such device"): (
            "the kernel of this host does not know this type"
        ),
        ("Connection refused", "No route", "timed out", "resolve"): (
            "the server cannot be reached: see its address, that it is up, and its firewall"
        ),
    }

    mounts: Entries = ()
    limit_s: int = Field(default=60, ge=1)

    @property
    def title(self) -> str:
        return f"mounts {' '.join(self._paths)}".strip()

    @property
    def _paths(self) -> list[str]:
        return [entry.path for entry in self.mounts]

    def probe(self) -> Sh:
        return Sh.of(PROBE, *self._paths)

    def observe(self, reply: Reply) -> State:
        return seen(by_path(super().observe(reply), self._paths), self.mounts)

    def desired(self) -> State:
        state = {}
        for entry in self.mounts:
            state[field(entry.path, FSTAB)] = entry.line
            state[field(entry.path, MOUNTED)] = entry.source
        return state

    def reads(self) -> list[Thing]:
        return [mounted_at(path) for path in self._paths]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        fields = {change.field for change in changes}
        return {
            mounted_at(entry.path): {MOUNTED: entry.source}
            for entry in self.mounts
            if field(entry.path, MOUNTED) in fields
        }

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        known = {mounted_at(path) for path in self._paths}
        return observed if known.isdisjoint(written) else None

    def plan(self, observed: State) -> list[Change]:
        changes = []
        for entry in self.mounts:
            changes += self._plan(entry, observed)
        return changes

    def _plan(self, entry: MountEntry, observed: State) -> list[Change]:
        line, mounted, how = (
            observed.get(field(entry.path, what)) for what in (FSTAB, MOUNTED, PATH)
        )
        _refuse(entry, mounted, how)
        found = []
        if line != entry.line:
            found.append(Change(field(entry.path, FSTAB), line, entry.line))
        if not mounted:
            found.append(Change(field(entry.path, MOUNTED), None, entry.source))
        return found

    def apply(self, changes: Sequence[Change]) -> Sh:
        fields = {change.field for change in changes}
        words = [
            word
            for entry in self.mounts
            if fields & {field(entry.path, FSTAB), field(entry.path, MOUNTED)}
            for word in (entry.source, entry.path, entry.type, entry.all_options)
        ]
        return Sh.of(MOUNT, *words, limit_s=self.limit_s)

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE)


def seen(state: dict[str, str], entries: Sequence[MountEntry]) -> State:
    """Return *state* with what is mounted named as *entries* name it."""
    sources = {
        key: _source(entry, state[key])
        for entry in entries
        if (key := field(entry.path, MOUNTED)) in state
    }
    return {**state, **sources}


def _source(entry: MountEntry, mounted: str) -> str:
    """Return the source of what is *mounted*; with its type if it is not that of *entry*."""
    type_, source = [*mounted.split(), ""][:2]
    if entry.type in BINDS:
        return entry.source
    same = SAME_TYPE.get(type_, type_) == SAME_TYPE.get(entry.type, entry.type)
    return source if same else f"{source} ({type_})"


def _refuse(entry: MountEntry, mounted: str | None, how: str | None) -> None:
    """Raise RefusedError if *entry* cannot be mounted, or does not answer."""
    if how in {"hangs", "broken"}:
        why = "does not answer in 5 s" if how == "hangs" else "cannot be read"
        raise RefusedError(
            f"{entry.path} {why}: {mounted or 'what is mounted on its way'} "
            f"{'hangs' if how == 'hangs' else 'is broken'}",
            hint="bring its server back, or `umount -l` it on the host, and deploy again",
        )
    if mounted and mounted != entry.source:
        raise RefusedError(
            f"{mounted} is mounted at {entry.path}, and {entry.source} should be",
            hint="unmount it on the host, or choose another path",
        )
    if how == "no directory":
        raise RefusedError(
            f"{entry.path} is no directory, so nothing can be mounted there",
            hint="look at it, and move it away or choose another path",
        )
    if how == "has files" and not mounted:
        raise RefusedError(
            f"{entry.path} has files in it, which {entry.source} would hide",
            hint="move them away, or choose another path",
        )


class MountAbsent(Absence, kind="mount_absent"):
    """Nothing is mounted at these paths, and /etc/fstab has no line for them.

    The folders stay. One that is used by a program is an error, which names the program's
    number where the host has fuser(1).

    Example:
        mount_absent: {paths: [/data]}

    Raises:
        ApplyError: a program uses it, or it does not answer.

    Source: umount(8), util-linux 2.36.
    """

    title_format = "no mounts {paths}"
    advice_table = {
        (
            "busy",
        ): "end the programs that use it (`fuser -vm PATH`), containers included",
        ("has not ended in",): "its server does not answer: `umount -l` it on the host",
    }

    paths: tuple[MountPath, ...]
    limit_s: int = Field(default=60, ge=1)

    def probe(self) -> Sh:
        return Sh.of(PROBE, *self.paths)

    def observe(self, reply: Reply) -> State:
        found = by_path(super().observe(reply), self.paths)
        return {
            key: value
            for key, value in found.items()
            if key.partition(" ")[0] in {FSTAB, MOUNTED}
        }

    def reads(self) -> list[Thing]:
        return [mounted_at(path) for path in self.paths]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        return {mounted_at(change.field.partition(" ")[2]): {} for change in changes}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        known = {mounted_at(path) for path in self.paths}
        return observed if known.isdisjoint(written) else None

    def apply(self, changes: Sequence[Change]) -> Sh:
        paths = dict.fromkeys(change.field.partition(" ")[2] for change in changes)
        return Sh.of(UNMOUNT, *paths, limit_s=self.limit_s)
