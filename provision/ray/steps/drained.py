"""No Ray node on a host: the one that runs is drained, then stopped."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from provision.model.change import Change
from provision.model.fields import Seconds, Word
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Absence
from provision.ray.steps.node.base import container_name

PROBE = read_shell(__file__, "drained_probe.sh")
STOP = read_shell(__file__, "drained.sh")


class RayDrained(Absence, kind="ray_drained"):
    """No Ray node of the cluster runs on the host; one that does is drained first.

    Raises:
        ApplyError: Ray refuses to drain it.

    Source: `ray drain-node`, Ray 2.60.0.
    """

    title_format = "ray node of {cluster}"

    cluster: Word
    drain_s: int = Field(default=300, ge=0)
    """Time for tasks and objects to leave; what still runs after it ends."""
    stop_s: int = Field(default=30, ge=0)
    timeout_s: Seconds = 900

    def probe(self) -> Sh:
        return Sh.of(PROBE, name=container_name(self.cluster), cluster=self.cluster)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(
            STOP,
            name=container_name(self.cluster),
            drain_s=self.drain_s,
            stop_s=self.stop_s,
            why="provision takes the host out of the cluster",
        )
