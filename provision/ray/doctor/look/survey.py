"""The look at one host as a step: so it goes into the same script as a plan."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from provision.model.change import Change, State
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step
from provision.steps.gpu.host_gpus import vendor_ids

SURVEY = read_shell(__file__, "survey.sh")
ASKED, FIRST, LAST = "clock_asked", "clock_first", "clock_last"
AHEAD_LEAST, AHEAD_MOST = "clock_ahead_least", "clock_ahead_most"
"""Bounds, in seconds, of how far the host's clock is ahead of this machine's."""


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
            asked=int(time.time()),
        )

    def observe(self, reply: Reply) -> State:
        """Return the facts; lines of another form are left out."""
        lines = (line.partition("=") for line in reply.stdout.splitlines())
        found = {key: value for key, equals, value in lines if equals}
        return {**found, **_ahead(found, math.ceil(time.time()))}

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        return []

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING


def _ahead(found: State, answered: int) -> State:
    """The bounds of how far the clock is ahead; none if the host has told no time.

    The host read its clock first after it was asked, and last before it answered. So
    the time that it took widens the bounds, and is not taken for a clock that is wrong.
    """
    times = [found.get(name, "") for name in (ASKED, FIRST, LAST)]
    if not all(text.isascii() and text.isdigit() for text in times):
        return {}
    asked, first, last = map(int, times)
    # A clock that shows a second may be at the end of it.
    return {AHEAD_LEAST: str(last - answered), AHEAD_MOST: str(first + 1 - asked)}
