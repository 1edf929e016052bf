"""The look at one host as a step: so it goes into the same script as a plan."""

from __future__ import annotations

import time
from collections.abc import Sequence

from provision.model.change import Change, State
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step
from provision.steps.gpu.host_gpus import vendor_ids

SURVEY = read_shell(__file__, "survey.sh")
CLOCK, OFFSET = "clock", "clock_offset"


class Survey(Step, kind="survey"):
    """A look at a host that changes nothing, and finds no difference.

    It is no kind for playbooks: doctor and init read what it observed.
    """

    title_format = "look at the host"

    names: tuple[str, ...] = ()
    """Names that the host is to resolve."""
    targets: tuple[str, ...] = ()
    """`host:port` that it is to connect to."""
    ports: tuple[int, ...] = ()
    """Ports of which it tells who listens there."""
    paths: tuple[str, ...] = ()
    """Directories of which it tells the file systems."""
    container: str = ""
    programs_dir: str = "/opt/provision"

    def probe(self) -> Sh:
        return Sh.of(
            SURVEY,
            *self.paths,
            gpu_vendors=vendor_ids(),
            names=" ".join(self.names),
            targets=" ".join(self.targets),
            ports=" ".join(map(str, self.ports)),
            container=self.container,
            programs_dir=self.programs_dir,
            lock_timeout_s=0,
        )

    def observe(self, reply: Reply) -> State:
        """Return the facts; lines of another form are left out.

        With them the offset of the host's clock: its look ends with the time.
        """
        lines = (line.partition("=") for line in reply.stdout.splitlines())
        found = {key: value for key, equals, value in lines if equals}
        clock = found.get(CLOCK, "")
        if clock.isdigit():
            found[OFFSET] = str(round(int(clock) - time.time()))
        return found

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        return []

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING
