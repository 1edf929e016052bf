"""The metrics of a cluster: the targets of Prometheus, and the addresses for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Unpack

from provision.config.inventory import Inventory
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import HostError, InventoryError
from provision.model.step import Step
from provision.ray.head import (
    PLAYBOOK,
    dashboard,
    head_of,
    head_steps,
    stored_secrets,
)
from provision.ray.steps.node.roles import RayHead
from provision.ray.steps.prometheus_targets import (
    UP,
    PrometheusTargets,
    Target,
    read_targets,
)
from provision.transport.query import ask

LIMIT_S = 30.0
NEVER = "0001-"
"""Beginning of the time of the last scrape, for a target that was never scraped."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The targets of Prometheus, and the addresses for a browser.

    Attributes:
        targets: as Prometheus reports them.
        now: the time on the head when it did.
        urls: addresses by the name of what is there.
        password: where Grafana's password is, on this machine.
    """

    targets: tuple[Target, ...]
    now: datetime
    urls: Mapping[str, str]
    password: str

    @property
    def up(self) -> int:
        """Number of targets that are up."""
        return sum(target.health == UP for target in self.targets)

    def age_s(self, target: Target) -> float | None:
        """Return the seconds since *target* was scraped; None = never."""
        if not target.last_scrape or target.last_scrape.startswith(NEVER):
            return None
        # Prometheus writes nanoseconds, of which Python reads six digits.
        scraped = datetime.fromisoformat(target.last_scrape)
        return max(0.0, (self.now - scraped).total_seconds())


def metrics(inventory: Hosts, **options: Unpack[ClusterOptions]) -> Metrics:
    """Ask Prometheus on the head, over SSH, so that its port need not be open to us.

    Args:
        inventory: the cluster.
        options: `sets` are the variables it was deployed with.

    Raises:
        InventoryError: the cluster has no head, or no metrics.
        HostError: Prometheus does not answer.
        ConnectError: the head cannot be reached.
    """
    cluster = load_inventory(inventory, options)
    head = head_of(cluster)
    steps = list(head_steps(cluster, PLAYBOOK, options.get("sets", {})))
    step = next((one for one in steps if isinstance(one, PrometheusTargets)), None)
    if not step:
        raise InventoryError(
            "this cluster has no metrics",
            hint="set `metrics: true` in the inventory, then deploy",
        )
    reply = ask(head, step.probe(), LIMIT_S)
    found = read_targets(reply.stdout)
    if not found:
        raise HostError(
            f"{head.name}: Prometheus does not answer at {step.host}:{step.port}",
            hint="see `systemctl status provision-prometheus` on that host, or deploy again",
            details=reply.tail(),
        )
    urls = _urls(cluster, steps)
    password = stored_secrets(cluster).place("grafana_admin_password")
    return Metrics(tuple(found), _date(reply.stdout), urls, password)


def _urls(inventory: Inventory, steps: Sequence[Step]) -> dict[str, str]:
    """The addresses that Ray's dashboard links to, and its own."""
    urls = {}
    for step in steps:
        if isinstance(step, RayHead):
            urls["Prometheus"] = step.prometheus
            urls["Grafana"] = step.grafana_for_browsers or step.grafana
    if found := dashboard(inventory, steps):
        urls["Ray dashboard"] = found.url
    return {name: url for name, url in urls.items() if url}


def _date(answer: str) -> datetime:
    """The time in the headers of *answer*; without one, the time here."""
    for line in answer.splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "date":
            return parsedate_to_datetime(value.strip())
        if not line:
            break
    return datetime.now(UTC)
