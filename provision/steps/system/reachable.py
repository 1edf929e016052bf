"""The check that something answers at an address, asked from a host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from provision.model.change import Change, State
from provision.model.fields import Port
from provision.model.shell import NOTHING, Sh
from provision.model.step import Step

# bash opens the connection, since a bare Debian has neither curl nor nc.
PROBE = r"""
command -v bash >/dev/null || exit 0
timeout 3 bash -c 'trap "" PIPE
    exec 3<>"/dev/tcp/$0/$1" || exit 0
    [ -n "$2" ] || { echo tcp=open; exit; }
    printf "GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n" "$2" "$0" "$1" >&3
    read -r protocol code _ <&3
    case $protocol in
    HTTP/*) echo "http=$code" ;;
    *) echo "http=no answer" ;;
    esac' "$host" "$port" "$path" 2>/dev/null || true
"""


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

    host: Annotated[str, Field(pattern=r"\A[A-Za-z0-9:][A-Za-z0-9.:%_-]*\z")]
    port: Port
    path: Annotated[str, Field(pattern=r"\A(/[!-~]*)?\z")] = ""
    settle_s: float = Field(default=60, ge=0)

    @property
    def title(self) -> str:
        return f"reachable {self.host}:{self.port}{self.path}"

    def probe(self) -> Sh:
        return Sh.of(PROBE, host=self.host, port=self.port, path=self.path)

    def desired(self) -> State:
        return {"http": "200"} if self.path else {"tcp": "open"}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING

    def advice(self, problem: str) -> str:
        at = f"{self.host}:{self.port}"
        if "no answer" in problem:
            return f"something other than a web server listens at {at}"
        if "http: (absent)" in problem or "tcp: (absent)" in problem:
            return f"see that it runs, and that no firewall closes {at} to this host"
        return ""
