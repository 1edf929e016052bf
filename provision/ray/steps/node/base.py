"""The common part of the head and the workers: Ray in a container of the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from provision.model.change import Change, State
from provision.model.fields import Line, Seconds, Word
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Thing
from provision.ray.steps.network.agent_health import health_command
from provision.ray.steps.network.node_network import (
    NO_NETWORK,
    NetworkOptions,
    NodeNetwork,
    placed,
)
from provision.ray.steps.node.additions.additions import (
    LACKS,
    MEMORY,
    SHM_PERCENT,
    Additions,
)
from provision.ray.steps.node.compatibility import (
    FULL_RESTART,
    can_go_back,
    can_wait,
    check_token_support,
    full_restart,
    may_change_ray,
    parts_cluster_error,
    ray_version_of,
    version_warnings,
)
from provision.ray.steps.node.credentials import certificate_parts, token_parts
from provision.ray.steps.node.diagnosis.firewalls import (
    ended_advice,
    evidence,
    no_head_advice,
)
from provision.ray.steps.node.diagnosis.session_name import (
    DEPLOY_AGAIN,
    MISMATCH,
    SESSION,
    restore_session,
    session_changes,
    session_to_restore,
)
from provision.ray.steps.node.ports import TAKEN, Ports, refuse_taken_ports
from provision.ray.steps.node.ray_options import (
    DataDir,
    MemoryGuard,
    NodeLabels,
    Resources,
    amounts,
    check_object_store,
    label_flags,
)
from provision.ray.steps.stop_mark import mark
from provision.steps.docker.container.container import (
    IN_PLACE_FIELDS,
    RESTARTS,
    DockerContainer,
    container,
    crash_loop,
    seen,
    up_or_restarted,
)
from provision.steps.docker.container.options import Health
from provision.steps.gpu.grant import NO_GPUS, Grant, grant, granted, warnings
from provision.steps.gpu.host_gpus import GPU_ACCESS, GPU_FIELDS, read_gpus, vendor_ids
from provision.steps.gpu.wanted import AUTO, WantedGpus
from provision.steps.network.address import canonical
from provision.steps.network.host_network import NETWORK_FIELDS

NODE_PROBE = read_shell(__file__, "probe.sh")
REPLACE = read_shell(__file__, "replace.sh")
PUT_BACK = read_shell(__file__, "put_back.sh")
PUT_BACK_WAIT_S = 60
"""Longest time to wait for a container that was put back to be healthy."""
RESTART_S = 120
"""Longest time to stop and start a container."""
NO_HEAD = "cannot reach the head"
"""Words of the probe for the health of a node whose head does not answer."""
OF_HOST = (GPU_FIELDS, NETWORK_FIELDS)
"""Beginnings of the fields that say what the host has."""
APART = (TAKEN, MEMORY, SESSION, LACKS, mark.STOPPED, *OF_HOST)
"""Beginnings of the fields that are no parameters of the container."""
OTHER_RAY = frozenset(("container", "image", "image_id"))
"""Fields of changes after which another Ray may run."""


def container_name(cluster: str) -> str:
    """Return the name that the container of Ray has on each host of *cluster*."""
    return f"ray-{cluster}"


def ray_session(data_dir: str) -> Thing:
    """Return what a Ray with *data_dir* writes as a thing that steps write and read."""
    return f"session of Ray:{data_dir}"


class RayNode(Additions):
    """Ray in a container of the host, as the head or as a worker.

    The container uses the host's network; `ray start --block` is its main process,
    so Docker starts it again after a reboot or a crash, with no controller.
    """

    carries_run: ClassVar[bool] = True
    is_first: ClassVar[bool] = False
    """True of the node that is replaced before all others if all are."""

    cluster: Word
    image: Word
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
    log_max_mb: int = Field(default=0, ge=0)
    """Most that Docker keeps of the container's output; 0 = as the daemon does."""
    resources: Resources = {}
    node_labels: NodeLabels = {}
    gpus: WantedGpus = AUTO
    """The GPUs of the host that the container gets: auto = those that it can have."""
    network: NetworkOptions = NetworkOptions()
    memory_guard: MemoryGuard = MemoryGuard()
    ray_version: Line = ""
    """The Ray in the image, which all nodes must share; default: what the tag says."""
    left_out: tuple[Line, ...] = ()
    """The other hosts of the cluster that this run does not work on."""
    keep_usable: bool = False
    """Leave a node alone that differs but works, for a later play to replace in turn.

    Not one that cannot wait: of another Ray version, say, or with another token.
    """
    keep_old: bool = True
    """Go back to the container that was healthy before, if its successor is not."""
    drain_s: int = Field(default=300, ge=0)
    """Time for tasks and objects to leave a worker before it is replaced; 0 = none."""
    run: Line = ""
    """The id of the run that makes the container; kept on it as a label."""
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
    def _supports_tokens(self) -> Self:
        if self.auth:
            check_token_support(self.image)
        return self

    def warnings(self) -> Iterator[str]:
        return version_warnings(self.image)

    @property
    def thing(self) -> Thing:
        return container(container_name(self.cluster))

    def reads(self) -> list[Thing]:
        return [*self.container().reads(), GPU_ACCESS, *self.added_reads()]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        session: State = {
            c.field: c.after or "" for c in changes if c.field in OTHER_RAY
        }
        rest = [change for change in changes if change.field != SESSION]
        return {
            **self.container(granted(changes), placed(changes)).writes(rest),
            **({ray_session(self.data_dir): session} if session else {}),
        }

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        kept = {k: v for k, v in observed.items() if k.startswith(OF_HOST)}
        rest = {k: v for k, v in observed.items() if k not in kept}
        after = self.container().foresee(self.after_steps(rest, written), written)
        gpus = written.get(GPU_ACCESS, {})
        return None if after is None else {**after, **kept, **gpus}

    def remarks(self, observed: State) -> Iterator[str]:
        yield from filter(None, [mark.remark(observed)])
        yield from self.added_remarks(observed)
        yield from warnings(observed, self.gpus, self.image)

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

    def role_mounts(self) -> tuple[str, ...]:
        """Return the role's own mounts."""
        return ()

    def kept_paths(self) -> tuple[str, ...]:
        return (f"{self.data_dir}/ray", *self.role_mounts())

    def drain_limit_s(self) -> int:
        """Return how long work on the node may take to end before it is replaced."""
        return self.drain_s

    def tables_dir(self) -> str:
        """Return the directory of tables that another Ray cannot read; "" = none."""
        return ""

    def container(
        self, gpus: Grant = NO_GPUS, network: NodeNetwork = NO_NETWORK
    ) -> DockerContainer:
        """Return the node as a step of its container, which gets *gpus* and *network*."""
        token = token_parts(self.data_dir, enabled=self.auth)
        certificate = certificate_parts(self.data_dir, enabled=self.tls)
        mounts = (f"{self.data_dir}/ray", *self.role_mounts())
        found = {**gpus.env, **network.env, **self.memory_guard.env}
        own = {**self.role_env(), **found, **self.env}
        return DockerContainer(
            name=container_name(self.cluster),
            image=self.image,
            command=("ray", "start", "--block", *self._flags(gpus)),
            env={**token.env, **certificate.env, **own},
            mounts=(*mounts, *token.mounts, *certificate.mounts, *self.own_mounts()),
            files=(*token.files, *certificate.files),
            network="host",
            labels={
                "provision.cluster": self.cluster,
                "provision.role": self.kind,
                "provision.ray_version": self.ray_version or ray_version_of(self.image),
            },
            **self.added(gpus, network),
            log_max_mb=self.log_max_mb,
            health=Health(command=health_command(self.ports.agent)),
        )

    def _flags(self, gpus: Grant) -> Iterator[str]:
        yield from self.role_flags()
        yield f"--node-ip-address={self.address}"
        yield f"--temp-dir={self.data_dir}/ray"
        yield from self.ports.flags()
        number = gpus.told(self.env) if self.num_gpus is None else self.num_gpus
        memory_mb = self.object_store_memory_mb
        yield from amounts(self.num_cpus, number, memory_mb, self.resources)
        yield from label_flags(self.node_labels)
        yield from self.start_args

    def probe(self) -> Sh:
        return Sh.of(
            NODE_PROBE,
            **self.container().probe_params(),
            agent_port=self.ports.agent,
            head=self.head_address(),
            head_port=self.ports.head,
            ports=" ".join(map(str, self.listening_ports())),
            tables=self.tables_dir(),
            gpus=self.gpus is not False,
            gpu_vendors=vendor_ids(),
            address=canonical(self.address),
            stop_mark=mark.mark_path(self.data_dir),
            **self.added_params(),
        )

    def observe(self, reply: Reply) -> State:
        state = super().observe(reply)
        apart = {k: v for k, v in state.items() if k.startswith(APART)}
        rest = {key: value for key, value in state.items() if key not in apart}
        return apart | seen(rest, self.container().files)

    def desired(self) -> State:
        return self.container().desired()

    def plan(self, observed: State) -> list[Change]:
        if mark.purpose(observed):
            return []
        refuse_taken_ports(observed)
        memory_kb, session = observed.get(MEMORY), session_changes(observed)
        seen_of_host = observed
        gpus = grant(read_gpus(observed), self.gpus, observed)
        network = self.network.on_host(observed, self.address)
        observed = {k: v for k, v in observed.items() if not k.startswith(APART)}
        changes = network.on(gpus.on(self.container(gpus, network).plan(observed)))
        if self._waits_for_head(observed):
            changes = [change for change in changes if change.field != RESTARTS]
        if changes:
            self.refuse_lacking(seen_of_host)
        if changes and memory_kb:
            check_object_store(
                self.object_store_memory_mb, int(memory_kb), self.shm_mb, SHM_PERCENT
            )
        known = self._version_known
        at_once = list(full_restart(observed, changes, version_known=known))
        if at_once and self.left_out and observed.get("health") == "healthy":
            raise parts_cluster_error(at_once[0], self.left_out)
        if self.keep_usable and not at_once and can_wait(observed, changes):
            return []
        return [*at_once, *session, *changes]

    @property
    def _version_known(self) -> bool:
        """True if a parameter or the image's tag says which Ray is in the image."""
        return bool(self.ray_version) or ray_version_of(self.image) != self.image

    def apply(self, changes: Sequence[Change]) -> Sh:
        container = self.container(granted(changes), placed(changes))
        fields = {change.field for change in changes}
        session = session_to_restore(changes)
        if session and fields <= {SESSION} | IN_PLACE_FIELDS:
            return restore_session(container, self.tables_dir(), session)
        if fields <= IN_PLACE_FIELDS:
            return container.apply(changes)
        another_ray = may_change_ray(changes, version_known=self._version_known)
        return Sh.of(
            REPLACE,
            f"--label=provision.run={self.run}",
            *container.run_args(),
            **container.run_params(),
            cluster=self.cluster,
            drain_s=0 if FULL_RESTART in fields else self.drain_limit_s(),
            tables=self.tables_dir(),
            wipe="yes" if self.tables_dir() and another_ray else "",
            session="" if another_ray else session,
            why=f"provision replaces {self.address}",
        )

    def hopeless(self, first: State, now: State) -> str:
        return "" if self._waits_for_head(now) else crash_loop(first, now)

    def wait_ends(self) -> tuple[Settled, ...]:
        return (*up_or_restarted(healthy=True), mark.STAYS_STOPPED)

    def _waits_for_head(self, state: State) -> bool:
        """Return whether it is a worker, which ends again and again until the head is there."""
        no_head = state.get("health", "").startswith(NO_HEAD)
        return no_head and not self.is_first

    def put_back(self, observed: State, changes: Sequence[Change]) -> Sh:
        was_well = observed.get("health") == "healthy"
        works = can_go_back(changes, is_first=self.is_first)
        container = self.container()
        return Sh.of(
            PUT_BACK,
            name=container.name,
            goes_back=self.keep_old and was_well and works,
            head="" if self.is_first else self.head_address(),
            head_port=self.ports.head,
            cluster=self.cluster,
            run=self.run,
            restart=container.restart,
            stop_s=container.stop_s,
            wait_s=PUT_BACK_WAIT_S,
        )

    def evidence(self) -> Sh:
        name = container_name(self.cluster)
        return evidence(name, self.head_address(), self.ports.head)

    def advice(self, problem: str) -> str:
        if MISMATCH in problem:
            return DEPLOY_AGAIN
        head, of_head = self.head_address(), self.ports.open_to_nodes(head=True)
        if NO_HEAD in problem or "connect to GCS" in problem:
            at = f"{head}:{self.ports.head}"
            return no_head_advice(problem, at, self.address, of_head)
        if "token" in problem and "nauth" in problem:
            return "head and workers have different tokens: deploy to all hosts at once"
        ports = self.ports.open_to_nodes(head=False)
        closed = "" if self.is_first else ended_advice(problem, head, ports)
        return closed or self.container().advice(problem)
