"""Shared folders of a cluster on one host: exported where they are, mounted elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from provision.steps.mounts.mount import Mount
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

    Raises:
        RefusedError: something else is mounted there, or a server does not answer.
        ApplyError: one cannot be mounted, or not in time.

    Source: fstab(5) and mount(8), util-linux 2.36.
    """

    title_format = "shared folders mounted"

    def general(self) -> Mount:
        others = [f for f in self.folders if not f.is_on(self.host_names)]
        return Mount(
            mounts=tuple(f.entry(server_address(f, self.members)) for f in others)
        )
