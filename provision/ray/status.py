"""The state of a cluster on one screen, from one probe of its hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Unpack

from provision.config.inventory import Host, Inventory
from provision.engine import run as engine
from provision.engine.host.foresight import UNKNOWN as NOT_OBSERVED
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import ProvisionError
from provision.model.change import State
from provision.model.result import HostResult, Run, StepResult
from provision.model.step import Step
from provision.ray.head import (
    HEAD,
    PLAYBOOK,
    Dashboard,
    dashboard,
    head_steps,
    node_names,
)
from provision.ray.steps.gpus_seen.gpus_seen import GpusSeen, gpu_cell
from provision.ray.steps.gpus_seen.process import GpusOfProcess, process_gpu_cell
from provision.ray.steps.network.ray_network import (
    RayNetwork,
    has_several_networks,
    network_cell,
)
from provision.ray.steps.node.compatibility import VERSION_FIELD
from provision.ray.steps.node.roles import RayHeadProcess, RayWorkerProcess
from provision.ray.steps.nodes import (
    ALIVE,
    CLOSED,
    UNKNOWN,
    ClusterNode,
    RayNodes,
    unwanted,
)
from provision.ray.steps.prometheus_targets import PrometheusTargets
from provision.ray.steps.shared.share import RaySharedMount
from provision.ray.steps.shared.storage import FolderStatus, folder_states
from provision.ray.steps.source.source import commit_in
from provision.ray.steps.stop_mark.mark import ON_PURPOSE, purpose

PROCESSES = {RayHeadProcess.kind, RayWorkerProcess.kind}
MISSING = "missing"
NONE = "-"
DIFFERS = 3


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One host of a cluster, in words for a person.

    Attributes:
        name: the host.
        address: where the cluster reaches it.
        engine: the version of its Docker engine, or what is wrong with it; "-": it is to
            have none.
        container: image, status and health of its Ray container, and how often Docker has
            started it again since a person or a deploy did; or the same of its process.
        node: its state according to Ray, such as ALIVE; missing, unknown, or "-": it is to
            run no Ray.
        gpus: number and names of its GPUs, and how many of them Ray has if not all;
            "-": it has none, or is to run no Ray; or unknown.
        network: the interface that its Ray uses, with its address where that is not
            `address`; "-": it is to run no Ray; or unknown.
        has_networks: it has several networks.
        storage: its shared folders; None = unknown.
        stopped: when and by whom it was stopped on purpose; "" = it was not.
        drift: the steps that differ or could not be probed.
        error: why the host could not be probed.
    """

    name: str
    address: str
    engine: str
    container: str
    node: str
    gpus: str = NONE
    network: str = NONE
    has_networks: bool = False
    storage: tuple[FolderStatus, ...] | None = ()
    stopped: str = ""
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
        unknown: why the state of the nodes is unknown; "" = it is known.
        others: the state of each node of Ray that is in the inventory under no host, by
            its address.
    """

    hosts: tuple[NodeStatus, ...]
    dashboard: Dashboard | None
    run: Run
    metrics: str = ""
    unknown: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def alive(self) -> int | None:
        """Number of hosts that Ray calls ALIVE, and reaches; None = unknown."""
        alive = sum(
            host.node.startswith(ALIVE) and not host.node.startswith(CLOSED)
            for host in self.hosts
        )
        return None if self.unknown else alive

    @property
    def expected(self) -> int:
        """Number of hosts that are to run Ray."""
        return sum(host.node != NONE for host in self.hosts)

    @property
    def stopped(self) -> tuple[NodeStatus, ...]:
        """Hosts whose node was stopped on purpose."""
        return tuple(host for host in self.hosts if host.stopped)

    @property
    def has_gpus(self) -> bool:
        """True if some host is known to have a GPU."""
        return any(host.gpus not in {NONE, UNKNOWN} for host in self.hosts)

    @property
    def has_networks(self) -> bool:
        """True if some host is known to have several networks."""
        return any(host.has_networks for host in self.hosts)

    @property
    def has_storage(self) -> bool:
        """True if some host is known to have a shared folder."""
        return any(host.storage for host in self.hosts)

    @property
    def exit_code(self) -> int:
        """The exit code of the run; 3 also where Ray has a node that is not wanted."""
        return self.run.exit_code or (DIFFERS if self.others else 0)


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
    nodes, wanted = _observed(run, RayNodes.kind) or {}, node_names(cluster)
    head_stopped = purpose(nodes)
    nodes = {} if head_stopped else nodes
    hosts = (
        _host(host, run.hosts.get(name, HostResult()), nodes, runs_ray=name in wanted)
        for name, host in cluster.hosts.items()
    )
    steps = list(head_steps(cluster, PLAYBOOK, options.get("sets", {})))
    return ClusterStatus(
        tuple(hosts),
        dashboard(cluster, steps),
        run,
        _metrics(run, steps),
        "" if nodes else head_stopped or _why_unknown(cluster, run),
        unwanted(nodes),
    )


def _why_unknown(cluster: Inventory, run: Run) -> str:
    """The reason why it is unknown which nodes Ray has."""
    heads = cluster.groups.get(HEAD, ())
    if any(run.hosts.get(name, HostResult()).error for name in heads):
        return "the head does not answer"
    return "Ray does not answer on the head"


def _observed(run: Run, kind: str) -> State | None:
    """The state that the first step of *kind* observed; None = it could not."""
    for step in _steps(run, kind):
        if not step.error:
            return step.observed
    return None


def _steps(run: Run, kind: str) -> Iterator[StepResult]:
    for host in run.hosts.values():
        yield from (step for step in host.steps if step.kind == kind)


def _metrics(run: Run, steps: Iterable[Step]) -> str:
    observed = _observed(run, PrometheusTargets.kind)
    if observed is None:
        has_metrics = any(isinstance(step, PrometheusTargets) for step in steps)
        return UNKNOWN if has_metrics else ""
    number = observed.get("number")
    if not number:
        return "Prometheus does not answer"
    up = observed["targets"].partition(" ")[0]
    return f"{number if up == 'all' else up} of {number} targets up"


def _host(
    host: Host, result: HostResult, nodes: State, *, runs_ray: bool
) -> NodeStatus:
    label = ClusterNode.model_validate(host).label
    engines = [step for step in result.steps if step.kind == "docker_engine"]
    rays = [step for step in result.steps if step.kind in {"ray_head", "ray_worker"}]
    processes = [step for step in result.steps if step.kind in PROCESSES]
    stopped = next((purpose(step.observed) for step in [*rays, *processes]), "")
    node = nodes.get(label, MISSING if nodes else UNKNOWN)
    if stopped and node != ALIVE:
        node = ON_PURPOSE
    return NodeStatus(
        host.name,
        host.address,
        _engine(engines[0]) if engines else NONE if processes else UNKNOWN,
        _process(processes[0])
        if processes
        else _container(rays[0])
        if rays
        else UNKNOWN,
        node if runs_ray else NONE,
        _gpus(result) if runs_ray else NONE,
        *(_network(result, host.address) if runs_ray else (NONE, False)),
        _storage(result),
        stopped,
        tuple(step for step in result.steps if step.outcome != "ok"),
        result.error,
    )


def _gpus(result: HostResult) -> str:
    cells = {GpusSeen.kind: gpu_cell, GpusOfProcess.kind: process_gpu_cell}
    for step in result.steps:
        if step.kind in cells:
            return UNKNOWN if step.error else cells[step.kind](step.observed)
    return UNKNOWN


def _network(result: HostResult, address: str) -> tuple[str, bool]:
    """The interface of a host in words, and whether it has several networks."""
    for step in result.steps:
        if step.kind == RayNetwork.kind and step.observed:
            seen = step.observed
            return network_cell(seen, address), has_several_networks(seen)
    return UNKNOWN, False


def _storage(result: HostResult) -> tuple[FolderStatus, ...] | None:
    """The shared folders of a host; None = nobody could look, () = it is to have none."""
    if result.error:
        return None
    for step in result.steps:
        if step.kind == RaySharedMount.kind:
            found = tuple(folder_states(step.observed, step.changes))
            return found or (None if step.error else ())
    return ()


def _engine(step: StepResult) -> str:
    observed = step.observed
    if step.error or NOT_OBSERVED in step.changes:
        return UNKNOWN
    if "engine" not in observed:
        return "absent"
    return (
        observed.get("version", "") if observed.get("running") == "true" else "stopped"
    )


def _container(step: StepResult) -> str:
    observed = step.observed
    if step.error or NOT_OBSERVED in step.changes:
        return UNKNOWN  # Docker, which could list it, does not run
    if "status" not in observed:
        return "absent"
    health = observed.get("health", "") if observed["status"] == "running" else ""
    number = int(observed.get("restarts", 0))  # Docker 26 says 0, older ones nothing
    restarts = f"restarted {number}x" if number else ""
    words = [observed.get("image", ""), observed["status"], health, restarts]
    return " ".join(filter(None, words))


def _process(step: StepResult) -> str:
    observed = step.observed
    if step.error or NOT_OBSERVED in step.changes:
        return UNKNOWN
    if "status" not in observed:
        return "absent"
    health = observed.get("health", "") if observed["status"] == "running" else ""
    commit = commit_in(observed.get("environment", ""))
    runtime = f"source {commit}" if commit else "pip"
    words = [runtime, observed.get(VERSION_FIELD, ""), observed["status"], health]
    return " ".join(filter(None, words))
