"""A node of Ray that a person stops on purpose, and starts again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import AbsPath, Line, Seconds, Word
from provision.model.shell import Reply, Sh, Value
from provision.model.shell_file import read_shell
from provision.model.step import Step
from provision.ray.steps.node.base import container_name
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.node.process.node import (
    EVIDENCE as PROCESS_EVIDENCE,
)
from provision.ray.steps.node.process.node import (
    STOP_S,
    process_folder,
)
from provision.ray.steps.stop_mark.mark import mark_path
from provision.steps.docker.container.container import EVIDENCE

PROBE = read_shell(__file__, "probe.sh")
STOP = read_shell(__file__, "stop.sh")
START = read_shell(__file__, "start.sh")
PROCESS_PROBE = read_shell(__file__, "process_probe.sh")
PROCESS_STOP = read_shell(__file__, "process_stop.sh")
PROCESS_START = read_shell(__file__, "process_start.sh")
NODE, PURPOSE, OWNER = "ray", "stopped on purpose", "cluster"
"""Fields of the observed state."""
RUNNING, STARTING, NOT_RUNNING, ABSENT = "running", "starting", "stopped", "absent"
YES, NO = "yes", "no"
UP = ("running", "restarting", "paused")
"""Docker's words for a container that has not been stopped."""


class RayOnHost(Step):
    """The node of Ray that a deploy has put on the host, running or stopped."""

    cluster: Word
    data_dir: AbsPath
    """As in the step `ray_head`."""
    ports: Ports = Ports()
    """As in the step `ray_head`."""
    runtime: Literal["docker", "pip", "source"] = "docker"
    """docker = the node is a container; pip, source = it is a process of the host."""
    head: Word = "127.0.0.1"
    """The head's address, which a process is drained from."""
    timeout_s: Seconds = 900

    @property
    def _name(self) -> str:
        return container_name(self.cluster)

    @property
    def _node(self) -> str:
        if self._is_process:
            return f"process of it in {process_folder(self.data_dir)}"
        return f"container {self._name}"

    @property
    def _is_process(self) -> bool:
        return self.runtime != "docker"

    def _own(self) -> dict[str, Value]:
        """Return the variables that name the node on its host."""
        own: dict[str, Value] = {"stop_mark": mark_path(self.data_dir)}
        if not self._is_process:
            return {**own, "name": self._name}
        process = process_folder(self.data_dir)
        return {**own, "cluster": self.cluster, "process": process}

    def probe(self) -> Sh:
        about = {**self._own(), "agent_port": self.ports.agent}
        if self._is_process:
            return Sh.of(PROCESS_PROBE, **about)
        return Sh.of(PROBE, **about)

    def observe(self, reply: Reply) -> State:
        found = super().observe(reply)
        if "status" not in found:
            return {}
        if found["status"] == ABSENT:
            return {NODE: ABSENT}
        node = RUNNING if found.get("health") == "healthy" else STARTING
        return {
            NODE: node if found["status"] in UP else NOT_RUNNING,
            PURPOSE: YES if "mark" in found else NO,
            OWNER: found.get("cluster", ""),
        }

    def plan(self, observed: State) -> list[Change]:
        if observed.get(NODE) == ABSENT:
            raise RefusedError(
                f"Ray is not deployed here: there is no {self._node}",
                hint="deploy this host first, or leave it out with --limit",
            )
        if observed.get(OWNER, self.cluster) != self.cluster:
            raise RefusedError(
                f"a container {self._name} is there that was not made by provision",
                hint=f"remove it (docker rm -f {self._name}), or rename it",
            )
        return super().plan(observed)


class RayStopped(RayOnHost, kind="ray_stopped"):
    """The host's node of Ray is stopped on purpose, and stays so over reboots.

    One that runs is drained first. A mark on the host says when that was and who wanted it:
    a deploy then leaves the node as it is.

    Raises:
        RefusedError: Ray is not deployed on the host.
        ApplyError: Ray refuses to drain it.

    Source: `ray drain-node`, Ray 2.60.0; docker-stop(1), Docker Engine 20.10; systemctl(1),
    systemd 239.
    """

    title_format = "ray node of {cluster} stopped"

    by: Line
    """The person who wants it."""
    drain_s: int = Field(default=300, ge=0)
    """Time for tasks and objects to leave; what still runs after it ends. 0 = none."""
    stop_s: int = Field(default=30, ge=0)

    def desired(self) -> State:
        return {NODE: NOT_RUNNING, PURPOSE: YES}

    def apply(self, changes: Sequence[Change]) -> Sh:
        why = f"{self.by} stops the node"
        about: dict[str, Value] = {
            **self._own(),
            "by": self.by,
            "drain_s": self.drain_s,
            "stop_s": self.stop_s,
        }
        if not self._is_process:
            return Sh.of(STOP, **about, why=why)
        return Sh.of(
            PROCESS_STOP,
            **about,
            why=why,
            name=self._name,
            data_dir=self.data_dir,
            head=self.head,
            head_port=self.ports.head,
        )


class RayStarted(RayOnHost, kind="ray_started"):
    """The host's node of Ray runs, in the container that a deploy has made.

    Raises:
        RefusedError: Ray is not deployed on the host.
        VerifyError: it is not healthy in `settle_s` seconds.

    Source: docker-start(1), Docker Engine 20.10; systemctl(1), systemd 239.
    """

    title_format = "ray node of {cluster} started"

    survives_reboot: Literal["auto"] | bool = "auto"
    """As in the step `ray_head_process`."""
    settle_s: float = Field(default=180, ge=0)

    def desired(self) -> State:
        return {NODE: RUNNING, PURPOSE: NO}

    def apply(self, changes: Sequence[Change]) -> Sh:
        if not self._is_process:
            return Sh.of(START, **self._own())
        boot = self.survives_reboot is not False
        return Sh.of(PROCESS_START, **self._own(), boot=boot, stop_s=STOP_S)

    def evidence(self) -> Sh:
        if not self._is_process:
            return Sh.of(EVIDENCE, name=self._name)
        return Sh.of(
            PROCESS_EVIDENCE,
            cluster=self.cluster,
            process=process_folder(self.data_dir),
            head=self.head,
            head_port=self.ports.head,
        )
