"""The check that Prometheus gets the metrics of all its targets, made on its host."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from provision.errors import ProbeError
from provision.model.change import Change, State, diff
from provision.model.fields import AbsPath, Line, Port
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step
from provision.ray.steps.node.diagnosis.firewalls import open_there
from provision.ray.steps.stop_mark.mark import (
    STAYS_STOPPED,
    STOPPED,
    Marks,
    mark_path,
    notes_dir,
    read_marks,
)
from provision.steps.http import parse_http

PROBE = read_shell(__file__, "prometheus_targets.sh")
TARGET = re.compile(r"([^\s\[\]]+)\]?:(\d+): ((?:(?! -> up).)*) -> up")
"""The change of a target: its address, its port, and why it is not up."""
DROPPED = ("context deadline exceeded", "no route")
"""Words of Prometheus for a connection that a firewall drops, or rejects as one."""
UP = "up"
OK = 200
STARTING = 503
"""The code with which Prometheus answers while it reads its data."""


class Target(BaseModel):
    """One target as Prometheus lists it; its other fields are left out."""

    model_config = ConfigDict(frozen=True)

    labels: dict[str, str]
    health: str
    """up, down, or unknown: not scraped yet."""
    last_error: str = Field(default="", alias="lastError")
    last_scrape: str = Field(default="", alias="lastScrape")

    @property
    def name(self) -> str:
        """Return its job and its address."""
        return f"{self.labels.get('job', '')} {self.labels.get('instance', '')}"

    @property
    def of_ray(self) -> bool:
        """True if Ray itself, and no program beside it, has these metrics."""
        return self.labels.get("job", "").split("_")[0] == "ray"

    @property
    def address(self) -> str:
        """Return the host that it is asked at."""
        return self.labels.get("instance", "").rpartition(":")[0].strip("[]")

    def is_missed(self, stopped: Marks) -> bool:
        """Return False if its node was stopped on purpose, so that it may be down.

        Ray goes on naming a node's metrics to Prometheus for a while.
        """
        if not self.of_ray:
            return True
        if stopped.head:
            return False
        return self.health == UP or self.address not in stopped.nodes

    @property
    def trouble(self) -> str:
        """Return why it is not up."""
        return self.last_error or f"{self.health}: not scraped yet"


def read_targets(output: str) -> list[Target]:
    """Return the targets in the probe's *output*; none: Prometheus does not answer yet.

    Raises:
        ProbeError: something other than Prometheus answered.
    """
    answer = parse_http(output)
    if not answer.status or answer.code == STARTING:
        return []
    if answer.code != OK:
        raise ProbeError(f"what answers is not Prometheus: {answer.status}")
    found = json.loads(answer.body)["data"]["activeTargets"]
    return [Target.model_validate(target) for target in found]


class PrometheusTargets(Step, kind="prometheus_targets"):
    """Prometheus gets the metrics of every one of its targets.

    It changes nothing: it waits, at most `settle_s` seconds.

    Example:
        prometheus_targets: {host: 10.0.0.7, port: 9090}

    Raises:
        ProbeError: something else answers there.
        VerifyError: Prometheus does not answer, or a target is down; the report has
            the reason that Prometheus gives.

    Source: `/api/v1/targets`, Prometheus 2.42 and 3.5.
    """

    title_format = "targets of Prometheus at {host}:{port}"
    advice_table = {
        ("refused",): "see that the service with that port runs on that host",
    }
    checks_only: ClassVar[bool] = True

    host: Line
    port: Port = 9090
    data_dir: AbsPath | None = None
    """As in the step `ray_head`: targets of a Ray that was stopped on purpose may be down."""
    settle_s: float = Field(default=60, ge=0)

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            host=self.host,
            port=self.port,
            stop_mark=mark_path(self.data_dir) if self.data_dir else "",
            notes_dir=notes_dir(self.data_dir) if self.data_dir else "",
        )

    def observe(self, reply: Reply) -> State:
        stopped = read_marks(reply.stdout)
        mark = {STOPPED: stopped.head} if stopped.head else {}
        targets = read_targets(stopped.rest)
        found = [target for target in targets if target.is_missed(stopped)]
        if not found:
            return mark
        down = [target for target in found if target.health != UP]
        up = f"{len(found) - len(down)} of {len(found)} up" if down else "all up"
        state = {"targets": up, "number": str(len(found))}
        return state | mark | {target.name: target.trouble for target in down}

    def desired(self) -> State:
        return {"targets": "all up"}

    def plan(self, observed: State) -> list[Change]:
        changes = diff(observed, self.desired())
        about = {"targets", "number", STOPPED}
        troubles = {k: v for k, v in observed.items() if k not in about}
        return changes + [Change(name, why, UP) for name, why in troubles.items()]

    def wait_ends(self) -> tuple[Settled, ...]:
        other = ('"health":"down"', '"health":"unknown"')
        up = Settled((("", '"health":"up"', ""),), never=other)
        return (up, STAYS_STOPPED)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING

    def advice(self, problem: str) -> str:
        closed = [
            (address, port)
            for address, port, why in TARGET.findall(problem)
            if any(words in why for words in DROPPED)
        ]
        if not closed:
            return super().advice(problem)
        hosts = ", ".join(dict.fromkeys(address for address, _ in closed))
        ports = sorted({port for _, port in closed}, key=int)
        return open_there(hosts, [self.host], ports, to="this host")
