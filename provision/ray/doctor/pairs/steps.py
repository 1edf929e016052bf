"""The three scripts of a test of pairs as steps, so that a run carries them to hosts."""

from __future__ import annotations

from collections.abc import Sequence

from provision.errors import ProbeError
from provision.model.change import Change, State
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, parse_lines
from provision.ray.doctor.pairs.programs import PERL, PYTHON

LISTEN = read_shell(__file__, "listen.sh")
CONNECT = read_shell(__file__, "connect.sh")
STOP = read_shell(__file__, "stop.sh")
LISTEN_S = 120
"""Longest life of a listener: one that nobody can end any more ends by itself."""


class Asked(Step):
    """A script that is only asked, and whose answer is no difference.

    Listeners are no state of a host: they end with the test. So they may be started by
    what otherwise only looks.
    """

    def observe(self, reply: Reply) -> State:
        if reply.exit != 0:
            raise ProbeError("the script ended early", details=reply.tail())
        return parse_lines(reply.stdout)

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        return []

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING


class Listen(Asked, kind="listen"):
    """Listeners at some ports, for a moment."""

    title_format = "listen for the other hosts"
    ports: tuple[int, ...]

    def probe(self) -> Sh:
        return Sh.of(
            LISTEN,
            *self.ports,
            perl_program=PERL,
            python_program=PYTHON,
            limit_s=LISTEN_S,
        )


class ConnectTo(Asked, kind="connect_to"):
    """Connections to ports of other hosts."""

    title_format = "connect to the other hosts"
    places: tuple[tuple[str, int], ...]

    def probe(self) -> Sh:
        return Sh.of(CONNECT, *(word for place in self.places for word in place))


class StopListening(Asked, kind="stop_listening"):
    """The end of the listeners."""

    title_format = "end the listeners"
    pids: tuple[str, ...]

    def probe(self) -> Sh:
        return Sh.of(STOP, *self.pids)
