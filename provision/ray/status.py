"""The state of a cluster on one screen, from one probe of its hosts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Unpack

from provision.config.inventory import Host
from provision.engine import run as engine
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import ProvisionError
from provision.model.change import State
from provision.model.result import HostResult, Run, StepResult
from provision.ray.head import PLAYBOOK, Dashboard, dashboard, head_steps

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One host of a cluster, in words for a person.

    Attributes:
        name: the host.
        address: where the cluster reaches it.
        engine: the version of its Docker engine, or what is wrong with it.
        container: image, status and health of its Ray container.
        node: its state according to Ray: ALIVE, missing or unknown.
        drift: the steps that differ or could not be probed.
        error: why the host could not be probed.
    """

    name: str
    address: str
    engine: str
    container: str
    node: str
    drift: tuple[StepResult, ...] = ()
    error: ProvisionError | None = None


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """All hosts of a cluster.

    Attributes:
        hosts: in the order of the inventory.
        dashboard: None = the playbook sets up none.
        run: the run that probed the hosts.
        metrics: how many targets of Prometheus are up, in words; "" = there are none.
    """

    hosts: tuple[NodeStatus, ...]
    dashboard: Dashboard | None
    run: Run
    metrics: str = ""

    @property
    def alive(self) -> int:
        """Number of hosts that Ray calls ALIVE."""
        return sum(host.node == "ALIVE" for host in self.hosts)


def status(inventory: Hosts, **options: Unpack[ClusterOptions]) -> ClusterStatus:
    """Probe all hosts of a cluster; change nothing.

    Args:
        inventory: the cluster.
        options: `sets` are the variables it was deployed with.

    Raises:
        InputErrors: inventory or playbook are wrong; no host was contacted.
    """
    cluster = load_inventory(inventory, options)
    run = engine.verify(cluster, PLAYBOOK, **options)
    nodes = _observed(run, "ray_nodes") or {}
    hosts = (
        _host(host, run.hosts.get(name, HostResult()), nodes)
        for name, host in cluster.hosts.items()
    )
    steps = head_steps(cluster, PLAYBOOK, options.get("sets", {}))
    return ClusterStatus(tuple(hosts), dashboard(cluster, steps), run, _metrics(run))


def _observed(run: Run, kind: str) -> State | None:
    """The state that the first step of *kind* observed; None = it could not."""
    for step in _steps(run, kind):
        if not step.error:
            return step.observed
    return None


def _steps(run: Run, kind: str) -> Iterator[StepResult]:
    for host in run.hosts.values():
        yield from (step for step in host.steps if step.kind == kind)


def _metrics(run: Run) -> str:
    observed = _observed(run, "prometheus_targets")
    if observed is None:
        return ""
    number = observed.get("number")
    if not number:
        return "Prometheus does not answer"
    up = observed["targets"].partition(" ")[0]
    return f"{number if up == 'all' else up} of {number} targets up"


def _host(host: Host, result: HostResult, nodes: State) -> NodeStatus:
    node = nodes.get(f"{host.name} ({host.address})", "missing" if nodes else UNKNOWN)
    engines = [step for step in result.steps if step.kind == "docker_engine"]
    rays = [step for step in result.steps if step.kind in {"ray_head", "ray_worker"}]
    return NodeStatus(
        host.name,
        host.address,
        _engine(engines[0]) if engines else UNKNOWN,
        _container(rays[0]) if rays else UNKNOWN,
        node,
        tuple(step for step in result.steps if step.outcome != "ok"),
        result.error,
    )


def _engine(step: StepResult) -> str:
    observed = step.observed
    if step.error:
        return UNKNOWN
    if "engine" not in observed:
        return "absent"
    return (
        observed.get("version", "") if observed.get("running") == "true" else "stopped"
    )


def _container(step: StepResult) -> str:
    observed = step.observed
    if step.error:
        return UNKNOWN
    if "status" not in observed:
        # Docker, which could list it, is installed by an earlier step.
        return "absent"
    health = observed.get("health", "") if observed["status"] == "running" else ""
    return " ".join(
        filter(None, [observed.get("image", ""), observed["status"], health])
    )
