"""The check that Prometheus gets the metrics of all its targets, asked on its host."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from provision.errors import ProbeError
from provision.model.change import Change, State, diff
from provision.model.fields import Line, Port
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.step import Step

# bash opens the connection, since a bare Debian has neither curl nor nc.
PROBE = r"""
command -v bash >/dev/null || exit 0
timeout 10 bash -c 'trap "" PIPE
    exec 3<>"/dev/tcp/$0/$1" || exit 0
    printf "GET %s HTTP/1.0\r\nHost: %s:%s\r\n\r\n" "$2" "$0" "$1" >&3
    cat <&3' "$host" "$port" '/api/v1/targets?state=active' 2>/dev/null || true
"""
UP = "up"


class Target(BaseModel):
    """One target as Prometheus tells it; what else it tells is left out."""

    model_config = ConfigDict(frozen=True)

    labels: dict[str, str]
    health: str
    """up, down, or unknown: not asked yet."""
    last_error: str = Field(default="", alias="lastError")
    last_scrape: str = Field(default="", alias="lastScrape")

    @property
    def name(self) -> str:
        """Its job, and where it is."""
        return f"{self.labels.get('job', '')} {self.labels.get('instance', '')}"

    @property
    def trouble(self) -> str:
        """Why it is not up."""
        return self.last_error or f"{self.health}: not asked yet"


def targets(output: str) -> list[Target]:
    """The targets that the probe's *output* tells of.

    Raises:
        ProbeError: something else than Prometheus answered.
    """
    head, _, body = output.replace("\r\n", "\n").partition("\n\n")
    status = head.partition("\n")[0]
    if not status or " 503 " in status:
        return []
    if " 200 " not in status:
        raise ProbeError(f"what answers is not Prometheus: {status}")
    found = json.loads(body)["data"]["activeTargets"]
    return [Target.model_validate(target) for target in found]


class PrometheusTargets(Step, kind="prometheus_targets"):
    """Prometheus gets the metrics of every one of its targets.

    There is nothing it could change: it waits, at most `settle_s` seconds.

    Example:
        prometheus_targets: {host: 10.0.0.7, port: 9090}

    Raises:
        ProbeError: something else answers there.
        VerifyError: Prometheus does not answer, or a target is down; the report has
            Prometheus' own words for why.

    Source: `/api/v1/targets`, Prometheus 2.42 and 3.5.
    """

    host: Line
    port: Port = 9090
    settle_s: float = Field(default=60, ge=0)

    @property
    def title(self) -> str:
        return f"targets of Prometheus at {self.host}:{self.port}"

    def probe(self) -> Sh:
        return Sh.of(PROBE, host=self.host, port=self.port)

    def observe(self, reply: Reply) -> State:
        found = targets(reply.stdout)
        if not found:
            return {}
        down = [target for target in found if target.health != UP]
        said = f"{len(found) - len(down)} of {len(found)} up"
        state = {"targets": said if down else "all up", "number": str(len(found))}
        return state | {target.name: target.trouble for target in down}

    def desired(self) -> State:
        return {"targets": "all up"}

    def plan(self, observed: State) -> list[Change]:
        changes = diff(observed, self.desired())
        troubles = {k: v for k, v in observed.items() if k not in {"targets", "number"}}
        return changes + [Change(name, why, UP) for name, why in troubles.items()]

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING

    def advice(self, problem: str) -> str:
        if "context deadline exceeded" in problem or "no route" in problem:
            return "see that no firewall closes that port to the head"
        if "refused" in problem:
            return "see that the service with that port runs on that host"
        return ""
