"""What every node of a Ray cluster is: Ray in a container of the host."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from provision.model.change import Change, State
from provision.model.fields import AbsPath, Line, Seconds, Word
from provision.model.shell import Reply, Sh
from provision.model.step import Step
from provision.ray.steps.node.compatibility import new_ray, swap, usable
from provision.ray.steps.node.credentials import certificate, token
from provision.ray.steps.node.image_version import alike, check_tokens, known_trouble
from provision.ray.steps.node.ports import Ports, taken
from provision.ray.steps.node.probe import HEALTH, NODE_PROBE
from provision.ray.steps.node.replacement import REPLACE
from provision.steps.docker.container import IN_PLACE_FIELDS, DockerContainer, seen
from provision.steps.docker.container_options import Health, Plain

LONGEST_DATA_DIR = 35
"""Ray's longest socket lies up to 72 bytes below `data_dir`; Linux allows 107."""

SPARE_S = 120
"""What stopping and starting a container may take."""


def _short(path: str) -> str:
    if len(path.encode()) > LONGEST_DATA_DIR:
        raise ValueError(
            f"must have at most {LONGEST_DATA_DIR} bytes, or the names of Ray's "
            "sockets below it become too long for Linux"
        )
    if set(path) & set(':,"'):
        raise ValueError('must not contain : , or ", which divide what Docker mounts')
    return path


class RayNode(Step):
    """What the head and a worker have in common: Ray in a container of the host.

    The container uses the host's network; `ray start --block` is its main process,
    so Docker starts it again after a reboot or a crash, with no controller.
    """

    cluster: Word
    image: Word
    address: Word
    """The host's own address in the cluster."""
    data_dir: Annotated[AbsPath, AfterValidator(_short)]
    """Has `ray/` (sessions and logs), `gcs/` (the head's tables) and `auth_token`."""
    auth: bool = True
    """Ask for the token in `data_dir/auth_token` on every connection."""
    tls: bool = False
    """RemoteShell TLS to the other nodes, with the certificates in `data_dir/tls`."""
    ports: Ports = Ports()
    num_cpus: int | None = Field(default=None, ge=0)
    num_gpus: int | None = Field(default=None, ge=0)
    object_store_memory_mb: int | None = Field(default=None, ge=75)
    shm_mb: int = Field(default=0, ge=0)
    """Size of /dev/shm; 0 = 35 % of the host's memory."""
    resources: Mapping[str, float] = {}
    node_labels: Mapping[Word, Word] = {}
    gpus: bool = False
    """Give the container all GPUs of the host (needs NVIDIA's container toolkit)."""
    env: Mapping[Word, Plain] = {}
    ray_version: Line = ""
    """What of the image cannot mix in a cluster; default: what its tag tells."""
    keep_usable: bool = False
    """Leave a node alone that differs but works, for a later play to replace in turn.

    Not one that cannot wait: of another Ray version, say, or with another token.
    """
    drain_s: int = Field(default=300, ge=0)
    """Time for tasks and objects to leave a worker before it is replaced; 0 = none."""
    run: Line = ""
    """What the run is called in which it is made; kept on the container."""
    settle_s: float = Field(default=120, ge=0)
    timeout_s: Seconds = 900

    @model_validator(mode="after")
    def _time_to_drain(self) -> Self:
        if self.timeout_s < self.drain_s + SPARE_S:
            raise ValueError(
                f"timeout_s must leave {SPARE_S} s after drain_s: at least "
                f"{self.drain_s + SPARE_S}"
            )
        return self

    @property
    def subject(self) -> str:
        return f"ray-{self.cluster}"

    @model_validator(mode="after")
    def _can_ask(self) -> Self:
        if self.auth:
            check_tokens(self.image)
        return self

    def warnings(self) -> Iterator[str]:
        return known_trouble(self.image)

    @property
    def title(self) -> str:
        return self.kind.replace("_", " ")

    def start(self) -> list[str]:
        """The flags of `ray start` that are the role's own. MUST be overridden."""
        raise NotImplementedError

    def head_address(self) -> str:
        """Where the head is. MUST be overridden."""
        raise NotImplementedError

    def own_ports(self) -> tuple[int, ...]:
        """The ports the node listens on."""
        return self.ports.of_worker()

    def own_env(self) -> dict[str, str]:
        """The role's own environment."""
        return {}

    def container(self) -> DockerContainer:
        """The container that the node is."""
        asked = token(self.data_dir, wanted=self.auth)
        shown = certificate(self.data_dir, wanted=self.tls)
        mounts = (f"{self.data_dir}/ray", *self.own_mounts())
        return DockerContainer(
            name=f"ray-{self.cluster}",
            image=self.image,
            command=("ray", "start", "--block", *self._flags()),
            env={**asked.env, **shown.env, **self.own_env(), **self.env},
            mounts=(*mounts, *asked.mounts, *shown.mounts),
            files=(*asked.files, *shown.files),
            network="host",
            labels={
                "provision.cluster": self.cluster,
                "provision.role": self.kind,
                "provision.ray_version": self.ray_version or alike(self.image),
            },
            gpus="all" if self.gpus else "",
            shm_mb=self.shm_mb,
            shm_percent=35,
            nofile=65535,
            health=Health(command=HEALTH.replace("{port}", str(self.ports.agent))),
        )

    def own_mounts(self) -> tuple[str, ...]:
        """The role's own mounts."""
        return ()

    def _flags(self) -> Iterator[str]:
        yield from self.start()
        yield f"--node-ip-address={self.address}"
        yield f"--temp-dir={self.data_dir}/ray"
        yield from self.ports.flags()
        if self.num_cpus is not None:
            yield f"--num-cpus={self.num_cpus}"
        if self.num_gpus is not None:
            yield f"--num-gpus={self.num_gpus}"
        if self.object_store_memory_mb is not None:
            yield f"--object-store-memory={self.object_store_memory_mb * 2**20}"
        if self.resources:
            yield f"--resources={json.dumps(dict(self.resources), sort_keys=True)}"
        if self.node_labels:
            pairs = sorted(self.node_labels.items())
            yield "--labels=" + ",".join(f"{name}={value}" for name, value in pairs)

    def probe(self) -> Sh:
        return Sh.of(
            NODE_PROBE,
            **self.container().probe().params,
            agent_port=self.ports.agent,
            head=self.head_address(),
            head_port=self.ports.head,
            ports=" ".join(map(str, self.own_ports())),
        )

    def observe(self, reply: Reply) -> State:
        state = super().observe(reply)
        held = {key: who for key, who in state.items() if key.startswith("taken.")}
        rest = {key: value for key, value in state.items() if key not in held}
        return held | seen(rest, self.container().files)

    def desired(self) -> State:
        return self.container().desired()

    def plan(self, observed: State) -> list[Change]:
        for key, who in observed.items():
            if key.startswith("taken."):
                raise taken(key.removeprefix("taken."), who)
        changes = self.container().plan(observed)
        at_once = list(swap(observed, changes, known=self._known))
        if self.keep_usable and not at_once and usable(observed, changes):
            return []
        return [*at_once, *changes]

    @property
    def _known(self) -> bool:
        """Whether somebody says which Ray is in the image."""
        return bool(self.ray_version) or alike(self.image) != self.image

    def apply(self, changes: Sequence[Change]) -> Sh:
        made = self.container().apply(changes)
        fields = {change.field for change in changes}
        if fields <= IN_PLACE_FIELDS:
            return made
        another_ray = new_ray(changes, known=self._known)
        return Sh.of(
            REPLACE,
            f"--label=provision.run={self.run}",
            *made.args,
            **made.params,
            cluster=self.cluster,
            drain_s=0 if "swap" in fields else self.own_drain_s(),
            tables=self.own_tables() if another_ray else "",
            why=f"provision replaces {self.address}",
        )

    def own_drain_s(self) -> int:
        """How long what runs on it may take to end before it is replaced."""
        return self.drain_s

    def own_tables(self) -> str:
        """The directory of tables that another Ray cannot read."""
        return ""

    def evidence(self) -> Sh | None:
        return self.container().evidence()

    def advice(self, problem: str) -> str:
        at = f"{self.head_address()}:{self.ports.head}"
        if "cannot reach the head" in problem or "connect to GCS" in problem:
            return f"see that the head runs and no firewall closes {at} to this host"
        if "token" in problem and "nauth" in problem:
            return "head and workers have different tokens: deploy to all hosts at once"
        return self.container().advice(problem)
