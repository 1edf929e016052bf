"""The runtimes of Ray that a host no longer has: containers, processes, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Line, Seconds, Word
from provision.model.shell import NOTHING, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence, Step, Thing
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
OTHERS = {
    "docker": ("pip",),
    "pip": ("docker",),
    "source": ("docker",),
    "none": ("docker", "pip"),
}
"""The runtimes that a cluster does not have, by the one that it has.

With `source` Ray is a process as with `pip`, from another environment.
"""


Runtime = Literal["docker", "pip", "source", "none"]
"""none = Ray is to run in neither."""


def _probe(cluster: str, data_dir: str, runtime: Runtime) -> Sh:
    """Return the shell that prints which other runtimes than *runtime* there are."""
    folder = process_folder(data_dir)
    return Sh.of(PROBE, *OTHERS[runtime], cluster=cluster, process=folder)


class RayRuntimeChange(Step, kind="ray_runtime_change"):
    """Ray can change to this runtime on the host, if it has another.

    It changes nothing. It comes before all that a change of the runtime would change.

    Raises:
        RefusedError: it works with nodes on hosts that this run leaves out.
    """

    title_format = "change to the runtime {runtime}"
    checks_only: ClassVar[bool] = True

    cluster: Word
    data_dir: DataDir
    runtime: Runtime
    left_out: tuple[Line, ...] = ()
    """The other hosts of the cluster that this run does not work on."""

    def probe(self) -> Sh:
        return _probe(self.cluster, self.data_dir, self.runtime)

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        works = any("running" in state for state in observed.values())
        if works and self.left_out:
            raise RefusedError(
                f"the runtime of Ray changes from {' and '.join(observed)} to "
                f"{self.runtime}: this node works with those on "
                f"{listed(list(self.left_out))}, which this run leaves out, and could not "
                "join them after the change",
                hint="leave --limit out, so that all nodes are replaced at once",
            )
        return []

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING


class RayRuntime(Absence, kind="ray_runtime"):
    """Ray of the cluster runs in no other runtime than this on the host.

    What another runtime has is stopped and removed: containers, with those that are kept
    for a rollback, or the process with its unit file. The head's tables go, since another
    Ray cannot read them; logs and sessions stay.

    Raises:
        ApplyError: Ray refuses to drain the node.
    """

    title_format = "no other runtime of Ray than {runtime}"

    cluster: Word
    data_dir: DataDir
    runtime: Runtime
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
        if any(written.values()):
            return None
        # A step that removes containers by the cluster's label leaves none of them.
        things = self._things()
        return {key: now for key, now in observed.items() if things[key] not in written}

    def _things(self) -> dict[str, Thing]:
        return {
            "docker": container(container_name(self.cluster)),
            "pip": process_thing(self.cluster),
        }

    def probe(self) -> Sh:
        return _probe(self.cluster, self.data_dir, self.runtime)

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        things = self._things()
        gone: dict[Thing, State] = {things[c.field]: {} for c in changes}
        return {self.thing: {"others": "gone"}, **gone}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(
            REMOVE,
            *OTHERS[self.runtime],
            name=container_name(self.cluster),
            cluster=self.cluster,
            process=process_folder(self.data_dir),
            data_dir=self.data_dir,
            head=self.head,
            head_port=self.ports.head,
            stop_s=STOP_S,
            drain_s=self.drain_s,
            why="provision takes this runtime out of the cluster",
        )
