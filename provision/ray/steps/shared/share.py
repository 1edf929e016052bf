"""Shared folders of a cluster on one host: exported where they are, mounted elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from pydantic import model_validator

from provision.model.change import Change, State
from provision.model.fields import Line, Word
from provision.model.shell import Reply, Sh
from provision.model.step import Step, Thing
from provision.ray.steps.shared.folders import (
    NFS,
    Member,
    SharedFolder,
    server_address,
)
from provision.ray.steps.shared.storage import OWN, SHARED, nearly_full
from provision.steps.mounts import mount
from provision.steps.mounts.mount import PATH, Mount
from provision.steps.mounts.mount import PROBE as MOUNTS_PROBE
from provision.steps.mounts.mount_point import MountEntry
from provision.steps.mounts.nfs_export import ExportOptions, NfsExport

RAY_USER, RAY_GROUP = "1000", "100"
"""The user of Ray's images, who owns a folder that is made."""


class SharedStep(Step):
    """The shared folders of a cluster as they concern one host, done by a general step."""

    cluster: Word
    folders: tuple[SharedFolder, ...] = ()
    host_names: tuple[Line, ...]
    """The name and the groups of this host."""
    members: tuple[Member, ...]
    """All hosts of the cluster."""

    @model_validator(mode="after")
    def _servers(self) -> Self:
        paths = [folder.at for folder in self.folders]
        for folder in self.folders:
            server_address(folder, self.members)
            if paths.count(folder.at) > 1:
                raise ValueError(f"folders: two of them are at {folder.at}")
        return self

    def general(self) -> Step:
        """Return the general step that does it. MUST be overridden."""
        raise NotImplementedError

    @property
    def thing(self) -> Thing:
        return self.general().thing

    def probe(self) -> Sh:
        return self.general().probe()

    def observe(self, reply: Reply) -> State:
        return self.general().observe(reply)

    def desired(self) -> State:
        return self.general().desired()

    def reads(self) -> list[Thing]:
        return [*self.general().reads()]

    def writes(self, changes: Sequence[Change]) -> Mapping[Thing, State]:
        return self.general().writes(changes)

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        return self.general().foresee(observed, written)

    def plan(self, observed: State) -> list[Change]:
        return self.general().plan(observed)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return self.general().apply(changes)

    def evidence(self) -> Sh | None:
        return self.general().evidence()

    def advice(self, problem: str) -> str:
        return self.general().advice(problem)


class RaySharedExport(SharedStep, kind="ray_shared_export"):
    """The shared folders that are on this host are exported to the others by NFS.

    A folder that is missing is made as that of Ray's user. On other hosts it does nothing,
    and for folders of another type than nfs.

    Raises:
        ApplyError: the host is no NFS server, or cannot export the folder.

    Source: exports(5), nfs-utils 1.3.
    """

    title_format = "shared folders exported"

    export_options: ExportOptions = "rw,sync,no_subtree_check"

    def general(self) -> NfsExport:
        own = [f for f in self.folders if f.type == NFS and f.is_on(self.host_names)]
        return NfsExport(
            name=self.cluster,
            folders=tuple(folder.path for folder in own),
            clients=tuple(
                m.address for m in self.members if m.name not in self.host_names
            ),
            options=self.export_options,
            owner=RAY_USER,
            group=RAY_GROUP,
        )


class RaySharedMount(SharedStep, kind="ray_shared_mount"):
    """The shared folders that are on other machines are mounted, now and after a boot.

    The room in them is looked at, and in those that are on this host; where 5 % or less are
    free, the host that has the folder warns, or those that mount it of another machine.

    Raises:
        RefusedError: something else is mounted there, or a server does not answer.
        ApplyError: one cannot be mounted, or not in time.

    Source: fstab(5) and mount(8), util-linux 2.36.
    """

    title_format = "shared folders mounted"

    def general(self) -> Mount:
        return Mount(mounts=tuple(self._entry(folder) for folder in self._others))

    def _entry(self, folder: SharedFolder) -> MountEntry:
        return folder.entry(server_address(folder, self.members))

    @property
    def _own(self) -> list[SharedFolder]:
        return [f for f in self.folders if f.is_on(self.host_names)]

    @property
    def _others(self) -> list[SharedFolder]:
        return [f for f in self.folders if not f.is_on(self.host_names)]

    @property
    def _paths(self) -> list[str]:
        own = dict.fromkeys(folder.path for folder in self._own)
        return [*(folder.at for folder in self._others), *own]

    def probe(self) -> Sh:
        return Sh.of(MOUNTS_PROBE, *self._paths)

    def observe(self, reply: Reply) -> State:
        found = mount.by_path(Step.observe(self, reply), self._paths)
        shared = {
            mount.field(folder.at, SHARED): what
            for folder, path, what in self._looks()
            if mount.field(path, PATH) in found
        }
        return {**mount.seen(found, self.general().mounts), **shared}

    def _looks(self) -> Iterator[tuple[SharedFolder, str, str]]:
        """Yield each folder, its path on this host, and what is to be there."""
        for folder in self._others:
            yield folder, folder.at, self._entry(folder).source
        for folder in self._own:
            yield folder, folder.path, f"{OWN} {folder.path}"

    def remarks(self, observed: State) -> Iterator[str]:
        members = {member.address for member in self.members}
        outside = {
            f.at for f in self._others if server_address(f, self.members) not in members
        }
        yield from nearly_full(observed, outside)
