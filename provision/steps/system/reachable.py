"""The check that something answers at an address, asked from a host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from provision.model.change import Change, State
from provision.model.fields import Port
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step

PROBE = read_shell(__file__, "reachable.sh")


class Reachable(Step, kind="reachable"):
    """A TCP port that the host can connect to, or a page there that it can get.

    There is nothing it could change: it waits, at most `settle_s` seconds. With `path`
    an HTTP GET of it has to be answered with 200.

    Example:
        reachable: {host: 10.0.0.7, port: 9090, path: /-/ready}

    Raises:
        VerifyError: nothing answers, or with another code.

    Source: bash(1) on /dev/tcp; RFC 1945.
    """

    title_format = "reachable {host}:{port}{path}"
    checks_only: ClassVar[bool] = True

    host: Annotated[str, Field(pattern=r"\A[A-Za-z0-9:][A-Za-z0-9.:%_-]*\z")]
    port: Port
    path: Annotated[str, Field(pattern=r"\A(/[!-~]*)?\z")] = ""
    settle_s: float = Field(default=60, ge=0)

    def probe(self) -> Sh:
        return Sh.of(PROBE, host=self.host, port=self.port, path=self.path)

    def observe(self, reply: Reply) -> State:
        answer = reply.stdout.strip()
        return {self._field: answer} if answer else {}

    @property
    def _field(self) -> str:
        return "http" if self.path else "tcp"

    def desired(self) -> State:
        return {self._field: "200" if self.path else "open"}

    def settled(self) -> Settled:
        return Settled(tuple((answer,) for answer in self.desired().values()))

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING

    def advice(self, problem: str) -> str:
        at = f"{self.host}:{self.port}"
        if "no answer" in problem:
            return f"something other than a web server listens at {at}"
        if "http: (absent)" in problem or "tcp: (absent)" in problem:
            return f"see that it runs, and that no firewall closes {at} to this host"
        return ""
