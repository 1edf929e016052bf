"""Ray on a host: as the head of a cluster, or as a worker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from provision.fields import AbsPath, Line, Word
from provision.shell import Reply, Sh
from provision.step import Change, State, Step
from provision.steps.docker_container import LOOK, DockerContainer, seen
from provision.steps.docker_options import Health, Plain
from provision.steps.ray_image import check_tokens, known_trouble
from provision.steps.ray_keys import certificate, token
from provision.steps.ray_ports import Ports, taken

LONGEST_DATA_DIR = 35
"""Ray's longest socket lies up to 72 bytes below `data_dir`; Linux allows 107."""

NODE_LOOK = (
    "look() (\n"
    + LOOK
    + r""")
answers() {
    timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1
        [ -n "$2" ] || exit 0
        printf "GET %s HTTP/1.0\r\n\r\n" "$2" >&3
        read -r _ code _ <&3 && [ "$code" = 200 ]' "$@" 2>/dev/null
}
container=$(look) || exit 1
printf '%s\n' "$container"
case $container in
*status=running*)
    if answers 127.0.0.1 "$agent_port" /api/healthz; then
        echo health=healthy
    elif answers "$head" "$head_port" ''; then
        echo health=starting
    else
        echo "health=cannot reach the head at $head:$head_port"
    fi ;;
*status=restarting*) ;;
*)
    ss -Hltnp 2>/dev/null | while read -r _ _ _ local _ who; do
        case " $ports " in
        *" ${local##*:} "*) printf 'taken.%s=%s\n' "${local##*:}" "$who" ;;
        esac
    done ;;
esac
"""
)
HEALTH = (
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && "
    'printf "GET /api/healthz HTTP/1.0\\r\\n\\r\\n" >&3 && '
    'read -r _ code _ <&3 && [ "$code" = 200 ]\''
)


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
    """Talk TLS to the other nodes, with the certificates in `data_dir/tls`."""
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
    settle_s: float = Field(default=120, ge=0)

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
            labels={"provision.cluster": self.cluster, "provision.role": self.kind},
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
            NODE_LOOK,
            **self.container().probe().params,
            agent_port=self.ports.agent,
            head=self.head_address(),
            head_port=self.ports.head,
            ports=" ".join(map(str, self.own_ports())),
        )

    def observe(self, reply: Reply) -> State:
        state = super().observe(reply)
        held = {key: who for key, who in state.items() if key.startswith("taken.")}
        return held | seen({k: v for k, v in state.items() if k not in held})

    def desired(self) -> State:
        return self.container().desired()

    def plan(self, observed: State) -> list[Change]:
        for key, who in observed.items():
            if key.startswith("taken."):
                raise taken(key.removeprefix("taken."), who)
        return self.container().plan(observed)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return self.container().apply(changes)

    def evidence(self) -> Sh | None:
        return self.container().evidence()

    def advice(self, problem: str) -> str:
        at = f"{self.head_address()}:{self.ports.head}"
        if "cannot reach the head" in problem or "connect to GCS" in problem:
            return f"see that the head runs and no firewall closes {at} to this host"
        if "token" in problem and "nauth" in problem:
            return "head and workers have different tokens: deploy to all hosts at once"
        return self.container().advice(problem)


class RayHead(RayNode, kind="ray_head"):
    """The head of a Ray cluster: its tables, its dashboard, and a node of its own.

    Its tables are on disk, so it can be restarted without losing the workers.

    Raises:
        RefusedError: another process has one of its ports, or another container its
            name.
        VerifyError: it is not healthy in `settle_s` seconds.

    Source: `ray start --help`, Ray 2.60.0.
    """

    dashboard_host: Line = ""
    """Where the dashboard listens; default: on `address`."""
    prometheus: Line = ""
    """A URL: where the dashboard asks for metrics."""
    grafana: Line = ""
    """A URL: whose panels the dashboard shows."""
    grafana_for_browsers: Line = ""
    """The same as browsers reach it, if they reach it elsewhere."""

    def head_address(self) -> str:
        return self.address

    def start(self) -> list[str]:
        return [
            "--head",
            "--disable-usage-stats",
            "--include-dashboard=true",
            f"--port={self.ports.head}",
            f"--ray-client-server-port={self.ports.client}",
            f"--dashboard-host={self.dashboard_host or self.address}",
            f"--dashboard-port={self.ports.dashboard}",
        ]

    def own_ports(self) -> tuple[int, ...]:
        return self.ports.of_head()

    def own_mounts(self) -> tuple[str, ...]:
        return (f"{self.data_dir}/gcs",)

    def own_env(self) -> dict[str, str]:
        urls = {
            "RAY_PROMETHEUS_HOST": self.prometheus,
            "RAY_GRAFANA_HOST": self.grafana,
            "RAY_GRAFANA_IFRAME_HOST": self.grafana_for_browsers,
        }
        return {
            "RAY_gcs_storage": "rocksdb",
            "RAY_gcs_storage_path": f"{self.data_dir}/gcs",
            "AUTOSCALER_METRIC_PORT": str(self.ports.autoscaler_metrics),
            "DASHBOARD_METRIC_PORT": str(self.ports.dashboard_metrics),
            **{name: url for name, url in urls.items() if url},
        }


class RayWorker(RayNode, kind="ray_worker"):
    """A worker of a Ray cluster, joined to its head.

    Raises:
        RefusedError: another process has one of its ports, or another container its
            name.
        VerifyError: it has not joined in `settle_s` seconds; the message says
            whether it can reach the head.

    Source: `ray start --help`, Ray 2.60.0.
    """

    head: Word
    """The head's address in the cluster."""

    def head_address(self) -> str:
        return self.head

    def start(self) -> list[str]:
        return [f"--address={self.head}:{self.ports.head}"]

    def own_env(self) -> dict[str, str]:
        return {"RAY_gcs_rpc_server_reconnect_timeout_s": "600"}
