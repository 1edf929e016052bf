"""The state of a cluster on one screen, read from one look at its hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from provision.config import playbook
from provision.config.inventory import Host, Inventory
from provision.engine import run as engine
from provision.errors import ProvisionError
from provision.model.change import State
from provision.model.result import HostResult, Run, StepResult
from provision.model.step import Step
from provision.ray.steps.nodes import RayNodes
from provision.secrets.store import Secrets

PLAYBOOK = "deploy"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host, in words for a person.

    Attributes:
        name: the host.
        address: where the cluster reaches it.
        engine: the version of its Docker engine, or what is wrong with it.
        container: image, status and health of its Ray container.
        node: what Ray says of it: ALIVE, missing or unknown.
        drift: the steps that differ or cannot be told.
        error: why the host could not be looked at.
    """

    name: str
    address: str
    engine: str
    container: str
    node: str
    drift: tuple[StepResult, ...] = ()
    error: ProvisionError | None = None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Where people enter the cluster; *token_file* lies on host *head*."""

    url: str
    head: str
    token_file: str


@dataclass(frozen=True, slots=True)
class Status:
    """All hosts of a cluster, and its entrance, if it has one.

    Attributes:
        metrics: how many targets of Prometheus are up, in words; "" = it has none.
    """

    hosts: tuple[HostStatus, ...]
    entrance: Dashboard | None
    run: Run
    metrics: str = ""

    @property
    def alive(self) -> int:
        """How many hosts Ray calls ALIVE."""
        return sum(host.node == "ALIVE" for host in self.hosts)


def status(
    inventory: Inventory,
    sets: Mapping[str, Any] | None = None,
    forks: int = engine.FORKS,
) -> Status:
    """Look at all hosts, and change nothing.

    Args:
        inventory: the cluster.
        sets: the variables it was deployed with.
        forks: hosts looked at at a time.

    Raises:
        InputErrors: inventory or playbook are wrong; no host was contacted.
    """
    run = engine.verify(inventory, PLAYBOOK, sets=sets or {}, forks=forks)
    nodes = _nodes(run)
    hosts = (
        _host(host, run.hosts.get(name, HostResult()), nodes)
        for name, host in inventory.hosts.items()
    )
    door = entrance(inventory, run)
    return Status(tuple(hosts), door, run, _metrics(run))


def entrance(inventory: Inventory, run: Run) -> Dashboard | None:
    """The dashboard of a cluster; None: *run* was not about Ray."""
    return entrance_of(inventory, [s for row in run.steps.values() for s in row])


def entrance_of(inventory: Inventory, steps: Iterable[Step]) -> Dashboard | None:
    """The dashboard that *steps* of the head lead to."""
    for step in steps:
        if isinstance(step, RayNodes):
            url = f"http://{step.dashboard_host}:{step.dashboard_port}"
            head = inventory.groups["head"][0]
            return Dashboard(url, head, f"{step.data_dir}/auth_token")
    return None


def head_steps(
    inventory: Inventory, book: str, sets: Mapping[str, Any]
) -> Iterator[Step]:
    """The steps that *book* has for the head; none: there is no head."""
    heads = inventory.groups.get("head", ())
    if not heads:
        return
    bound = playbook.bind(
        playbook.load(playbook.find(book)),
        inventory,
        secrets=secrets(inventory),
        sets=sets,
        limit=heads[0],
    )
    for play in bound.plays:
        for row in play.steps.values():
            yield from (step.step for step in row)


def secrets(inventory: Inventory) -> Secrets:
    """The secrets of a cluster; none is made that is not there."""
    return Secrets(inventory.state_dir, generate=False)


def _nodes(run: Run) -> State:
    """What Ray says, by `name (address)`; empty when it could not be asked."""
    for host in run.hosts.values():
        for step in host.steps:
            if step.kind == "ray_nodes":
                return step.observed
    return {}


def _metrics(run: Run) -> str:
    for host in run.hosts.values():
        for step in host.steps:
            if step.kind == "prometheus_targets" and not step.error:
                number = step.observed.get("number")
                if not number:
                    return "Prometheus does not answer"
                up = step.observed["targets"].partition(" ")[0]
                return f"{number if up == 'all' else up} of {number} targets up"
    return ""


def _host(host: Host, result: HostResult, nodes: State) -> HostStatus:
    node = nodes.get(f"{host.name} ({host.address})", "missing" if nodes else UNKNOWN)
    engines = [step for step in result.steps if step.kind == "docker_engine"]
    rays = [step for step in result.steps if step.kind in {"ray_head", "ray_worker"}]
    return HostStatus(
        host.name,
        host.address,
        _engine(engines[0]) if engines else UNKNOWN,
        _container(rays[0]) if rays else UNKNOWN,
        node,
        tuple(step for step in result.steps if step.outcome != "ok"),
        result.error,
    )


def _engine(step: StepResult) -> str:
    seen = step.observed
    if step.error:
        return UNKNOWN
    if "engine" not in seen:
        return "absent"
    return seen.get("version", "") if seen.get("running") == "true" else "stopped"


def _container(step: StepResult) -> str:
    seen = step.observed
    if step.error:
        return UNKNOWN
    if "status" not in seen:
        # The engine that could tell comes earlier, and is not there yet either.
        return "absent"
    health = seen.get("health", "") if seen["status"] == "running" else ""
    return " ".join(filter(None, [seen.get("image", ""), seen["status"], health]))
