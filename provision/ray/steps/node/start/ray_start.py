"""The common part of Ray nodes, however Ray runs on the host: what `ray start` is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from provision.model.change import Change, State
from provision.model.fields import Line, Seconds, Word
from provision.model.step import Step, Thing
from provision.ray.steps.network.node_network import NetworkOptions, NodeNetwork
from provision.ray.steps.node.compatibility import (
    can_wait,
    full_restart,
    parts_cluster_error,
)
from provision.ray.steps.node.diagnosis.firewalls import ended_advice, no_head_advice
from provision.ray.steps.node.ports import Ports
from provision.ray.steps.node.ray_options import (
    DataDir,
    MemoryGuard,
    NodeLabels,
    Resources,
    amounts,
    label_flags,
)
from provision.ray.steps.node.start.start_args import StartArg
from provision.steps.docker.container.options import Plain
from provision.steps.docker.container.parameters.limits import Limits

PUT_BACK_WAIT_S = 60
"""Longest time to wait for a node that was put back to be healthy."""
NOFILE = 65535
"""Most files that a process has open, by default."""
RESTART_S = 120
"""Longest time to stop and start a node."""
NO_HEAD = "cannot reach the head"
"""Words of the probe for the health of a node whose head does not answer."""
VERSIONS_DIFFER = "Version mismatch"
"""Words of Ray, where a node has another Ray or another Python than its head."""


def _without_null(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {name: text for name, text in value.items() if text is not None}


Env = Annotated[Mapping[Word, Plain], BeforeValidator(_without_null)]
"""Variables by name; null = as if it was not there."""


def runtime(cluster: str) -> Thing:
    """Return the runtimes of Ray that *cluster* no longer has as a thing that steps write."""
    return f"other runtimes of Ray:{cluster}"


def ray_session(data_dir: str) -> Thing:
    """Return what a Ray with *data_dir* writes as a thing that steps write and read."""
    return f"session of Ray:{data_dir}"


class RayStart(Step):
    """A Ray node, as the head or as a worker, in whatever runtime."""

    is_first: ClassVar[bool] = False
    """True of the node that is replaced before all others if all are."""

    cluster: Word
    address: Word
    """The host's own address in the cluster."""
    data_dir: DataDir
    """Has `ray/` (sessions and logs), `gcs/` (the head's tables) and `auth_token`."""
    auth: bool = True
    """Ask for the token in `data_dir/auth_token` on every connection."""
    tls: bool = False
    """Use TLS between the nodes, with the certificates in `data_dir/tls`."""
    ports: Ports = Ports()
    num_cpus: int | None = Field(default=None, ge=0)
    num_gpus: int | None = Field(default=None, ge=0)
    object_store_memory_mb: int | None = Field(default=None, ge=75)
    resources: Resources = {}
    node_labels: NodeLabels = {}
    network: NetworkOptions = NetworkOptions()
    memory_guard: MemoryGuard = MemoryGuard()
    env: Env = {}
    limits: Limits = {}
    """Limits of its processes, as `docker run --ulimit` has them."""
    start_args: tuple[StartArg, ...] = ()
    """More options of `ray start`, each as --name or --name=value."""
    left_out: tuple[Line, ...] = ()
    """The other hosts of the cluster that this run does not work on."""
    keep_usable: bool = False
    """Leave a node alone that differs but works, for a later play to replace in turn.

    Not one that cannot wait: of another Ray version, say, or with another token.
    """
    keep_old: bool = True
    """Go back to what was healthy before, if its successor is not."""
    drain_s: int = Field(default=300, ge=0)
    """Time for tasks and objects to leave a worker before it is replaced; 0 = none."""
    run: Line = ""
    """The id of the run that makes the node; kept with it."""
    settle_s: float = Field(default=120, ge=0)
    timeout_s: Seconds = 900

    @model_validator(mode="after")
    def _time_to_drain(self) -> Self:
        least = self.drain_s + RESTART_S
        if self.timeout_s < least:
            raise ValueError(
                f"timeout_s must leave {RESTART_S} s after drain_s: at least {least}"
            )
        return self

    @model_validator(mode="after")
    def _files_are_a_number(self) -> Self:
        if self.limits.get("nofile", 1) < 1:
            raise ValueError(
                "limits: nofile must be a number: Linux has no unlimited one"
            )
        return self

    def process_limits(self, network: NodeNetwork) -> dict[str, int]:
        """Return the limits of the node's processes, which use *network*."""
        return {"nofile": NOFILE, **network.limits, **self.limits}

    @property
    def title(self) -> str:
        return self.kind.replace("_", " ")

    def role_flags(self) -> list[str]:
        """Return the role's own flags of `ray start`. MUST be overridden."""
        raise NotImplementedError

    def head_address(self) -> str:
        """Return the head's address. MUST be overridden."""
        raise NotImplementedError

    def listening_ports(self) -> tuple[int, ...]:
        """Return the ports that the node listens on."""
        return self.ports.of_worker()

    def role_env(self) -> dict[str, str]:
        """Return the role's own environment."""
        return {}

    def drain_limit_s(self) -> int:
        """Return how long work on the node may take to end before it is replaced."""
        return self.drain_s

    def tables_dir(self) -> str:
        """Return the directory of tables that another Ray cannot read; "" = none."""
        return ""

    def start_flags(self, gpus: int | None = None) -> Iterator[str]:
        """Yield the flags of `ray start`.

        Args:
            gpus: how many the node has where `num_gpus` does not say it; None = Ray counts.
        """
        yield from self.role_flags()
        yield f"--node-ip-address={self.address}"
        yield f"--temp-dir={self.data_dir}/ray"
        yield from self.ports.flags()
        number = gpus if self.num_gpus is None else self.num_gpus
        memory_mb = self.object_store_memory_mb
        yield from amounts(self.num_cpus, number, memory_mb, self.resources)
        yield from label_flags(self.node_labels)
        yield from self.start_args

    def in_turn(
        self,
        observed: State,
        changes: Sequence[Change],
        first: Sequence[Change] = (),
        *,
        version_known: bool,
    ) -> list[Change]:
        """Return *changes* if they are to be made now, after why they cannot wait.

        Args:
            observed: the state of the node.
            changes: of the node.
            first: changes that come before them.
            version_known: whether it is known which Ray the node gets.

        Raises:
            RefusedError: the node works with others that this run leaves out.
        """
        at_once = list(full_restart(observed, changes, version_known=version_known))
        if at_once and self.left_out and observed.get("health") == "healthy":
            raise parts_cluster_error(at_once[0], self.left_out)
        if self.keep_usable and not at_once and can_wait(observed, changes):
            return []
        return [*at_once, *first, *changes]

    def node_advice(self, problem: str) -> str:
        """Return what to do about *problem* in any runtime; "" = nothing is known."""
        head, of_head = self.head_address(), self.ports.open_to_nodes(head=True)
        if VERSIONS_DIFFER in problem:
            return (
                "head and workers need the same Ray and the same Python, see above: set "
                "ray_python or ray_image on the hosts that differ"
            )
        if NO_HEAD in problem or "connect to GCS" in problem:
            at = f"{head}:{self.ports.head}"
            return no_head_advice(problem, at, self.address, of_head)
        if "token" in problem and "nauth" in problem:
            return "head and workers have different tokens: deploy to all hosts at once"
        ports = self.ports.open_to_nodes(head=False)
        return "" if self.is_first else ended_advice(problem, head, ports)
