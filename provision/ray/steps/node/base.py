"""The common part of the head and the workers: Ray in a container of the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from provision.model.change import Change, State
from provision.model.fields import Line, Word
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Thing
from provision.ray.steps.network.agent_health import health_command
from provision.ray.steps.network.node_network import (
    NO_NETWORK,
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
    check_token_support,
    may_change_ray,
    ray_version_of,
    version_warnings,
)
from provision.ray.steps.node.credentials import certificate_parts, token_parts
from provision.ray.steps.node.diagnosis.firewalls import evidence
from provision.ray.steps.node.diagnosis.session_name import (
    DEPLOY_AGAIN,
    MISMATCH,
    SESSION,
    restore_session,
    session_changes,
    session_to_restore,
)
from provision.ray.steps.node.ports import TAKEN, refuse_taken_ports
from provision.ray.steps.node.ray_options import check_object_store
from provision.ray.steps.node.start.ray_start import (
    NO_HEAD,
    PUT_BACK_WAIT_S,
    ray_session,
    runtime,
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
OF_HOST = (GPU_FIELDS, NETWORK_FIELDS)
"""Beginnings of the fields that say what the host has."""
APART = (TAKEN, MEMORY, SESSION, LACKS, mark.STOPPED, *OF_HOST)
"""Beginnings of the fields that are no parameters of the container."""
OTHER_RAY = frozenset(("container", "image", "image_id"))
"""Fields of changes after which another Ray may run."""


def container_name(cluster: str) -> str:
    """Return the name that the container of Ray has on each host of *cluster*."""
    return f"ray-{cluster}"


class RayNode(Additions):
    """Ray in a container of the host, as the head or as a worker.

    The container uses the host's network; `ray start --block` is its main process,
    so Docker starts it again after a reboot or a crash, with no controller.
    """

    carries_run: ClassVar[bool] = True

    image: Word
    log_max_mb: int = Field(default=0, ge=0)
    """Most that Docker keeps of the container's output; 0 = as the daemon does."""
    gpus: WantedGpus = AUTO
    """The GPUs of the host that the container gets: auto = those that it can have."""
    ray_version: Line = ""
    """The Ray in the image, which all nodes must share; default: what the tag says."""

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
        own = (*self.container().reads(), GPU_ACCESS, runtime(self.cluster))
        return [*own, *self.added_reads()]

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
        if runtime(self.cluster) in written:  # which had the ports
            observed = {k: v for k, v in observed.items() if not k.startswith(TAKEN)}
        kept = {k: v for k, v in observed.items() if k.startswith(OF_HOST)}
        rest = {k: v for k, v in observed.items() if k not in kept}
        after = self.container().foresee(self.after_steps(rest, written), written)
        gpus = written.get(GPU_ACCESS, {})
        return None if after is None else {**after, **kept, **gpus}

    def remarks(self, observed: State) -> Iterator[str]:
        yield from filter(None, [mark.remark(observed)])
        yield from self.added_remarks(observed)
        yield from warnings(observed, self.gpus, self.image)

    def kept_paths(self) -> tuple[str, ...]:
        return (f"{self.data_dir}/ray", *self._tables())

    def _tables(self) -> tuple[str, ...]:
        return tuple(filter(None, [self.tables_dir()]))

    def container(
        self, gpus: Grant = NO_GPUS, network: NodeNetwork = NO_NETWORK
    ) -> DockerContainer:
        """Return the node as a step of its container, which gets *gpus* and *network*."""
        token = token_parts(self.data_dir, enabled=self.auth)
        certificate = certificate_parts(self.data_dir, enabled=self.tls)
        mounts = (f"{self.data_dir}/ray", *self._tables())
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
        return self.start_flags(gpus.told(self.env))

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
        return self.in_turn(observed, changes, session, version_known=known)

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
        return self.node_advice(problem) or self.container().advice(problem)
