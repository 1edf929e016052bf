"""The file in a shared folder that one node writes and all others read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from provision.model.change import Change, State
from provision.model.fields import AbsPath, Word
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step
from provision.ray.steps.node.base import container_name
from provision.ray.steps.shared.folders import SharedFolder
from provision.ray.steps.stop_mark.mark import STOPPED, mark_path, purpose

PROBE = read_shell(__file__, "probe.sh")
WRITE = read_shell(__file__, "write.sh")
EVIDENCE = read_shell(__file__, "evidence.sh")


class SharedProof(Step):
    """The file in each shared folder, as Ray's container on this host reads it."""

    advice_table = {
        ("Permission denied", "Read-only file system"): (
            "Ray's user (1000) may not write there: chown the folder on its server, or see "
            "its export options"
        ),
    }

    cluster: Word
    folders: tuple[SharedFolder, ...] = ()
    data_dir: AbsPath | None = None
    """As in the step `ray_head`: a node that was stopped on purpose is not asked."""

    @property
    def _file(self) -> str:
        return f".provision-{self.cluster}"

    @property
    def _text(self) -> str:
        return f"written by one node of {self.cluster} and read by all"

    @property
    def _paths(self) -> list[str]:
        return [folder.at for folder in self.folders]

    def probe(self) -> Sh:
        name = container_name(self.cluster)
        mark = mark_path(self.data_dir) if self.data_dir else ""
        return Sh.of(PROBE, *self._paths, name=name, file=self._file, stop_mark=mark)

    def observe(self, reply: Reply) -> State:
        found = super().observe(reply)
        if purpose(found):
            return {STOPPED: found[STOPPED]}
        return {self._paths[int(number)]: text for number, text in found.items()}

    def desired(self) -> State:
        return dict.fromkeys(self._paths, self._text)

    def plan(self, observed: State) -> list[Change]:
        return [] if purpose(observed) else super().plan(observed)

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, *self._paths, name=container_name(self.cluster))


class RaySharedWritten(SharedProof, kind="ray_shared_written"):
    """Ray's container on this host has written a file into each shared folder.

    Raises:
        ApplyError: it may not write there, or the folder does not answer in 30 s.

    Source: docker-exec(1), Docker Engine 20.10.
    """

    title_format = "shared folders written"

    def apply(self, changes: Sequence[Change]) -> Sh:
        fields = {change.field for change in changes}
        paths = [path for path in self._paths if path in fields]
        name = container_name(self.cluster)
        return Sh.of(WRITE, *paths, name=name, file=self._file, line=self._text)


class RaySharedSeen(SharedProof, kind="ray_shared_seen"):
    """Ray's container on this host reads what another node wrote into the shared folders.

    It changes nothing: it waits, at most `settle_s` seconds, since a client of NFS may
    remember for a minute that a file was not there.

    Raises:
        VerifyError: the node has another folder there, or none.

    Source: docker-exec(1), Docker Engine 20.10; nfs(5), acdirmax.
    """

    checks_only: ClassVar[bool] = True

    title_format = "shared folders seen"

    settle_s: float = Field(default=75, ge=0)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING
