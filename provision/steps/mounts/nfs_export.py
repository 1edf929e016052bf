"""Folders that an NFS server exports to its clients, or not any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from provision.model.change import Change, State
from provision.model.fields import Word
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Step, Thing
from provision.steps.files.file import Account
from provision.steps.mounts.mount_point import MountPath

PROBE = read_shell(__file__, "exports_probe.sh")
EXPORT = read_shell(__file__, "export.sh")
HEADER = "# Written by provision; the next deploy replaces it.\n"
FOLDER = "/etc/exports.d"
ABSENT_PROBE = '[ ! -e "$file" ] || printf "file=%s\\n" "$file"'
REMOVE = r"""
rm -f -- "$file"
! command -v exportfs >/dev/null || exportfs -ra
"""
EVIDENCE = r"""
exportfs -v 2>&1 | tail -n 10
journalctl -u nfs-server -n 10 --no-pager -o cat 2>/dev/null || true
"""
Client = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_.:/@*?\[\]-]+\z")]
"""A host, a network or a pattern, as exports(5) has them."""
ExportOptions = Annotated[str, Field(pattern=r"\A[a-z0-9_,=:.-]+\z")]
Folder = Annotated[MountPath, Field(pattern=r'\A/[^\s\\"]+\z')]


def exports_file(name: str) -> str:
    """Return the file with the exports *name*."""
    return f"{FOLDER}/{name}.exports"


class NfsExport(Step, kind="nfs_export"):
    """Folders that the NFS server of this host exports to these clients.

    They are in a file of their own in /etc/exports.d, and the server has read it. A folder
    that is missing is made, with `owner`, `group` and mode 2775; one that is there stays as
    it is. Packages and service are other steps.

    Example:
        nfs_export: {name: rack, folders: [/srv/data], clients: [10.0.0.0/24]}

    Raises:
        ApplyError: the host has no exportfs, or it refuses a folder or an option.

    Source: exports(5) and exportfs(8), nfs-utils 1.3; their table /var/lib/nfs/etab.
    """

    title_format = "exports {name}"
    advice_table = {
        ("there is no exportfs",): (
            "install the server (nfs-kernel-server on Debian, nfs-utils on Fedora) with a "
            "`packages` step before this one"
        ),
        ("does not support NFS export", "Operation not permitted"): (
            "this file system cannot be exported: choose a folder of another one"
        ),
        ("Function not implemented", "No such device"): (
            "the kernel of this host has no NFS server (module nfsd)"
        ),
    }

    name: Annotated[Word, Field(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.-]*\z")]
    folders: tuple[Folder, ...] = ()
    clients: tuple[Client, ...] = ()
    options: ExportOptions = "rw,sync,no_subtree_check"
    owner: Account = "root"
    """Owner of a folder that is made."""
    group: Account = "root"

    @property
    def thing(self) -> Thing:
        return f"exports:{self.name}"

    @property
    def _pairs(self) -> list[tuple[str, str]]:
        return [(folder, client) for folder in self.folders for client in self.clients]

    @property
    def _content(self) -> str:
        lines = [
            f"{folder} {client}({self.options})\n" for folder, client in self._pairs
        ]
        return HEADER + "".join(lines)

    def probe(self) -> Sh:
        words = [word for pair in self._pairs for word in pair]
        return Sh.of(PROBE, *words, file=exports_file(self.name))

    def observe(self, reply: Reply) -> State:
        lines = [
            x.removeprefix("file=") for x in reply.stdout.splitlines() if x[:1] == "f"
        ]
        state = {"file": "; ".join(lines)} if lines else {}
        for number, value in super().observe(reply).items():
            if number.isdigit():
                state["{} {}".format(*self._pairs[int(number)])] = value
        return state

    def desired(self) -> State:
        state = {f"{folder} {client}": "exported" for folder, client in self._pairs}
        lines = self._content.splitlines()[1:]
        return {"file": "; ".join(lines), **state} if lines else {}

    def plan(self, observed: State) -> list[Change]:
        if not self._pairs:
            return []
        return super().plan(observed)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(
            EXPORT,
            *self.folders,
            file=exports_file(self.name),
            content=self._content,
            owner=self.owner,
            group=self.group,
        )

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE)


class NfsExportAbsent(Absence, kind="nfs_export_absent"):
    """No exports of this name; the folders and what is in them stay.

    Example:
        nfs_export_absent: {name: rack}

    Source: exports(5) and exportfs(8), nfs-utils 1.3.
    """

    title_format = "no exports {name}"

    name: Annotated[Word, Field(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.-]*\z")]

    @property
    def thing(self) -> Thing:
        return f"exports:{self.name}"

    def probe(self) -> Sh:
        return Sh.of(ABSENT_PROBE, file=exports_file(self.name))

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(REMOVE, file=exports_file(self.name))
