"""The metrics of a cluster: what Prometheus asks, and where people look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from provision.config.inventory import Inventory
from provision.errors import HostError, InventoryError
from provision.model.step import Step
from provision.ray.status import PLAYBOOK, entrance_of, head_steps, secrets
from provision.ray.steps.node.roles import RayHead
from provision.ray.steps.prometheus_targets import (
    UP,
    PrometheusTargets,
    Target,
    targets,
)
from provision.transport.query import ask

LIMIT_S = 30.0
NEVER = "0001-"
"""How Prometheus begins the time of a scrape that has not been."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """What Prometheus says of its targets, and the addresses for a browser.

    Attributes:
        targets: as Prometheus tells them.
        now: the clock of the head, when it told.
        urls: by what is there.
        password: where Grafana's password is, on this machine.
    """

    targets: tuple[Target, ...]
    now: datetime
    urls: Mapping[str, str]
    password: str

    @property
    def up(self) -> int:
        """How many targets are up."""
        return sum(target.health == UP for target in self.targets)

    def age_s(self, target: Target) -> float | None:
        """Seconds since *target* was asked; None = never."""
        if not target.last_scrape or target.last_scrape.startswith(NEVER):
            return None
        # Prometheus tells nanoseconds, of which Python reads six digits.
        asked = datetime.fromisoformat(target.last_scrape)
        return max(0.0, (self.now - asked).total_seconds())


def metrics(inventory: Inventory, sets: Mapping[str, Any] | None = None) -> Metrics:
    """Ask Prometheus on the head, over SSH, so that no port need be open to us.

    Args:
        inventory: the cluster.
        sets: the variables it was deployed with.

    Raises:
        InventoryError: the cluster has no head, or no metrics.
        HostError: Prometheus does not answer.
        ConnectError: the head cannot be reached.
    """
    steps = list(head_steps(inventory, PLAYBOOK, sets or {}))
    asking = next((one for one in steps if isinstance(one, PrometheusTargets)), None)
    if not asking:
        raise InventoryError(
            "this cluster has no metrics",
            hint="set `metrics: true` and have the group `head`, then deploy",
        )
    head = inventory.hosts[inventory.groups["head"][0]]
    reply = ask(head, asking.probe(), LIMIT_S)
    found = targets(reply.stdout)
    if not found:
        raise HostError(
            f"{head.name}: Prometheus does not answer at {asking.host}:{asking.port}",
            hint="see `systemctl status provision-prometheus` there, or deploy again",
            details=reply.tail(),
        )
    urls = _urls(inventory, steps)
    password = secrets(inventory).place("grafana_admin_password")
    return Metrics(tuple(found), _date(reply.stdout), urls, password)


def _urls(inventory: Inventory, steps: Sequence[Step]) -> dict[str, str]:
    """What Ray's dashboard was told of the others, and the dashboard itself."""
    urls = {}
    for head in steps:
        if isinstance(head, RayHead):
            urls["Prometheus"] = head.prometheus
            urls["Grafana"] = head.grafana_for_browsers or head.grafana
    if door := entrance_of(inventory, steps):
        urls["Ray dashboard"] = door.url
    return {name: url for name, url in urls.items() if url}


def _date(answer: str) -> datetime:
    """The time in an HTTP *answer*; without one, our own."""
    for line in answer.splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "date":
            return parsedate_to_datetime(value.strip())
        if not line:
            break
    return datetime.now(UTC)
