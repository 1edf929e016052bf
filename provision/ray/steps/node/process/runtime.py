"""The runtimes of Ray that a host no longer has: containers, processes, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Line, Seconds, Word
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Thing
from provision.ray.steps.node.base import container_name
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.node.process.node import (
    STOP_S,
    process_folder,
    process_thing,
)
from provision.ray.steps.node.ray_options import DataDir
from provision.ray.steps.node.start.ray_start import runtime
from provision.report.text import listed
from provision.steps.docker.container.container import container

PROBE = read_shell(__file__, "runtime_probe.sh")
REMOVE = read_shell(__file__, "runtime_remove.sh")
OTHERS = {"docker": ("pip",), "pip": ("docker",), "none": ("docker", "pip")}
"""The runtimes that a cluster does not have, by the one that it has."""


class RayRuntime(Absence, kind="ray_runtime"):
    """Ray of the cluster runs in no other runtime than this on the host.

    What another runtime has is stopped and removed: containers, with those that are kept
    for a rollback, or the process with its unit file. The head's tables go, since another
    Ray cannot read them; logs and sessions stay.

    Raises:
        RefusedError: it works with nodes on hosts that this run leaves out.
        ApplyError: Ray refuses to drain the node.
    """

    title_format = "no other runtime of Ray than {runtime}"

    cluster: Word
    data_dir: DataDir
    runtime: Literal["docker", "pip", "none"]
    """none = Ray is to run in neither."""
    left_out: tuple[Line, ...] = ()
    """The other hosts of the cluster that this run does not work on."""
    drain_s: int = Field(default=0, ge=0)
    """Time for tasks and objects to leave a process before it ends; it needs `head`."""
    head: Word = "127.0.0.1"
    """The head's address."""
    ports: Ports = Ports()
    timeout_s: Seconds = 900

    @property
    def thing(self) -> Thing:
        return runtime(self.cluster)

    def reads(self) -> list[Thing]:
        return [container(container_name(self.cluster)), process_thing(self.cluster)]

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        return None if any(written.values()) else observed

    def probe(self) -> Sh:
        return Sh.of(PROBE, *OTHERS[self.runtime], **self._where())

    def _where(self) -> dict[str, str]:
        return {
            "cluster": self.cluster,
            "process": process_folder(self.data_dir),
        }

    def plan(self, observed: State) -> list[Change]:
        changes = super().plan(observed)
        works = any("running" in state for state in observed.values())
        if changes and works and self.left_out and self.runtime != "none":
            before = " and ".join(observed)
            raise RefusedError(
                f"the runtime of Ray changes from {before} to {self.runtime}: this node "
                f"works with those on {listed(list(self.left_out))}, which this run leaves "
                "out, and could not join them after the change",
                hint="leave --limit out, so that all nodes are replaced at once",
            )
        return changes

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        things = {
            "docker": container(container_name(self.cluster)),
            "pip": process_thing(self.cluster),
        }
        gone: dict[Thing, State] = {things[c.field]: {} for c in changes}
        return {self.thing: {"others": "gone"}, **gone}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(
            REMOVE,
            *OTHERS[self.runtime],
            name=container_name(self.cluster),
            **self._where(),
            data_dir=self.data_dir,
            head=self.head,
            head_port=self.ports.head,
            stop_s=STOP_S,
            drain_s=self.drain_s,
            why="provision takes this runtime out of the cluster",
        )
