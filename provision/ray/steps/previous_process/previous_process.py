"""The process of a Ray node from before the last replacement, put back in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from provision.model.change import Change, State
from provision.model.fields import Port
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Thing
from provision.ray.steps.node.compatibility import FULL_RESTART, VERSION_FIELD
from provision.ray.steps.node.process.node import process_folder, process_thing
from provision.ray.steps.rollback import STARTED, Previous

PROBE = read_shell(__file__, "probe.sh")
BACK = read_shell(__file__, "back.sh")
STATUS = read_shell(__file__, "status.sh")


class RayPreviousProcess(Previous, kind="ray_previous_process"):
    """The Ray node is the process that it was before the last replacement.

    The process that replaced it is stopped, and what it was started with is removed. Where
    nothing is kept from before, the present one stays; if it was put back and not yet
    started, it is started.

    Raises:
        ApplyError: the node could not be drained, or its environment is gone.
        VerifyError: it is not healthy in `settle_s` seconds.

    Source: `ray start --help`, Ray 2.60.0; systemctl(1), systemd 239.
    """

    title_format = "previous process of ray-{cluster}"

    agent_port: Port = 6384
    """The port of the node's agent, which says that it is healthy."""
    head: str = "127.0.0.1"
    """The head's address."""
    head_port: Port = 6379
    survives_reboot: Literal["auto"] | bool = "auto"
    """As in the step `ray_head_process`."""

    @property
    def thing(self) -> Thing:
        return process_thing(self.cluster)

    @property
    def folder(self) -> str:
        """The folder of the process."""
        return process_folder(str(self.data_dir))

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        return {} if self.thing in written else observed

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            cluster=self.cluster,
            process=self.folder,
            data_dir=self.data_dir,
            agent_port=self.agent_port,
        )

    def apply(self, changes: Sequence[Change]) -> Sh:
        fields = {change.field for change in changes}
        return Sh.of(
            BACK,
            name=f"ray-{self.cluster}",
            cluster=self.cluster,
            process=self.folder,
            back="" if fields <= set(STARTED) else "yes",
            data_dir=self.data_dir,
            drain_s=0 if FULL_RESTART in fields else self.drain_s,
            stop_s=self.stop_s,
            tables=self.tables or "",
            wipe="yes" if self.tables and VERSION_FIELD in fields else "",
            run=self.run,
            boot=self.survives_reboot is not False,
            head=self.head,
            head_port=self.head_port,
            why="provision goes back to the previous process",
        )

    def evidence(self) -> Sh:
        return Sh.of(STATUS, cluster=self.cluster, process=self.folder)
