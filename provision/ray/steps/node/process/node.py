"""A Ray node as a process of its host: started, verified, and put back if it is not well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from provision.errors import RefusedError
from provision.model.change import Change, State, diff
from provision.model.fields import Line, OwnPath
from provision.model.shell import Sh, Value
from provision.model.shell_file import read_shell
from provision.model.step import Thing
from provision.ray.steps.network.node_network import (
    NO_NETWORK,
    NodeNetwork,
    placed,
)
from provision.ray.steps.node.compatibility import (
    FULL_RESTART,
    VERSION_FIELD,
    can_go_back,
    check_token_support,
    may_change_ray,
    version_warnings,
)
from provision.ray.steps.node.credentials import (
    certificate_parts,
    env_on_host,
    token_parts,
)
from provision.ray.steps.node.ports import TAKEN, refuse_taken_ports
from provision.ray.steps.node.process.files import run_file, start_file, unit_file
from provision.ray.steps.node.start.ray_start import (
    NO_HEAD,
    PUT_BACK_WAIT_S,
    RayStart,
    ray_session,
    runtime,
)
from provision.ray.steps.stop_mark import mark
from provision.report.text import listed
from provision.steps.docker.container.container import CURRENT, file_field
from provision.steps.files.foresight import at
from provision.steps.network.address import canonical
from provision.steps.network.host_network import NETWORK_FIELDS
from provision.steps.python.environment import environment_at

PROBE = read_shell(__file__, "probe.sh")
START = read_shell(__file__, "start.sh")
RESUME = read_shell(__file__, "resume.sh")
PUT_BACK = read_shell(__file__, "put_back.sh")
EVIDENCE = read_shell(__file__, "evidence.sh")
STOP_S = 30
"""Longest time for Ray to end by itself."""
ENVIRONMENT, ENVIRONMENT_NOW = "environment", "environment_now"
"""The virtual environment that runs, and the one that is to."""
INIT = "init"
"""The field that says that the host has no systemd."""
BOOT = "boot"
LIVE = frozenset(("status", "health", BOOT))
"""Fields that are set right without another process."""
APART = (TAKEN, INIT, mark.STOPPED, NETWORK_FIELDS)
"""Beginnings of the fields that are no parameters of the process."""
CRASHES = 3
ENDED = {"stopped", "restarting"}
User = Annotated[str, Field(pattern=r"\A[a-z_][a-z0-9_-]{0,30}\z")]


def process_thing(cluster: str) -> Thing:
    """Return the process of a node as a thing that steps write and read."""
    return f"process of Ray:{cluster}"


def process_folder(data_dir: str) -> str:
    """Return the folder with which the process of a node is started."""
    return f"{data_dir}/process"


class RayProcess(RayStart):
    """Ray as a process of the host, as the head or as a worker."""

    carries_run: ClassVar[bool] = True

    user: User = "root"
    """The user who runs Ray, and all that is given to it."""
    environments: OwnPath
    """The folder of the `python_environment` that Ray is installed in."""
    ray_version: Line
    """The Ray there, which all nodes must share."""
    survives_reboot: Literal["auto"] | bool = "auto"
    """Start it at boot; auto = where there is a systemd that can."""

    @model_validator(mode="after")
    def _supports_tokens(self) -> Self:
        if self.auth:
            check_token_support(self._release)
        return self

    @property
    def _release(self) -> str:
        return f"ray:{self.ray_version}"

    @property
    def thing(self) -> Thing:
        return process_thing(self.cluster)

    @property
    def folder(self) -> str:
        """The folder of the process."""
        return process_folder(self.data_dir)

    def files(self) -> tuple[str, ...]:
        """Return the files that Ray reads when it starts."""
        token = token_parts(self.data_dir, enabled=self.auth)
        certificate = certificate_parts(self.data_dir, enabled=self.tls)
        return (*token.files, *certificate.files)

    def process_env(self, network: NodeNetwork = NO_NETWORK) -> dict[str, str]:
        """Return the environment of the process, which uses *network*."""
        token = token_parts(self.data_dir, enabled=self.auth)
        certificate = certificate_parts(self.data_dir, enabled=self.tls)
        return {
            **env_on_host(token, self.data_dir),
            **env_on_host(certificate, self.data_dir),
            **self.role_env(),
            **network.env,
            **self.memory_guard.env,
            **self.env,
        }

    def spec(self, network: NodeNetwork = NO_NETWORK) -> dict[str, str]:
        """Return the parameters of the process, which uses *network*, as text by field."""
        flags = (flag.partition("=") for flag in self.start_flags())
        env = self.process_env(network).items()
        return {
            VERSION_FIELD: self.ray_version,
            "user": self.user,
            **{name: value for name, _, value in flags},
            **{f"limit.{k}": str(v) for k, v in self.process_limits(network).items()},
            **{f"env.{name}": value.replace("\n", r"\n") for name, value in env},
        }

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            cluster=self.cluster,
            process=self.folder,
            environments=self.environments,
            agent_port=self.ports.agent,
            head=self.head_address(),
            head_port=self.ports.head,
            ports=" ".join(map(str, self.listening_ports())),
            address=canonical(self.address),
            stop_mark=mark.mark_path(self.data_dir),
        )

    def desired(self) -> State:
        return self._desired(NO_NETWORK)

    def _desired(self, network: NodeNetwork) -> State:
        files = {file_field(path): CURRENT for path in self.files()}
        return {**self.spec(network), "status": "running", "health": "healthy", **files}

    def reads(self) -> list[Thing]:
        files = map(at, self.files())
        own = (self.thing, environment_at(self.environments), runtime(self.cluster))
        return [*own, *files]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        session = {c.field: c.after or "" for c in changes if c.field in _OTHER_RAY}
        after = {**self._desired(placed(changes)), BOOT: "true"}
        sessions = {ray_session(self.data_dir): session} if session else {}
        return {self.thing: after, **sessions}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        state = dict(observed)
        kept = {k: v for k, v in state.items() if k.startswith((INIT, NETWORK_FIELDS))}
        for thing, fields in written.items():
            if thing == runtime(self.cluster):  # which had the ports
                state = {k: v for k, v in state.items() if not k.startswith(TAKEN)}
            elif thing == self.thing:
                state = {**state, **fields} if fields else kept
            elif thing == environment_at(self.environments):
                if ENVIRONMENT in state:
                    state[ENVIRONMENT_NOW] = fields.get("current", "another")
            elif "content" in fields or not fields:
                state |= {
                    file_field(path): "outdated"
                    for path in self.files()
                    if thing == at(path) and file_field(path) in state
                }
        return state

    def remarks(self, observed: State) -> Iterator[str]:
        yield from filter(None, [mark.remark(observed)])
        if INIT in observed:
            yield (
                "this host has no systemd: Ray runs detached, and does not start again by "
                "itself after a crash or a reboot; deploy again then"
            )
        yield from version_warnings(self._release)

    def plan(self, observed: State) -> list[Change]:
        if mark.purpose(observed):
            return []
        refuse_taken_ports(observed)
        if INIT in observed and self.survives_reboot is True:
            raise RefusedError(
                "Ray cannot start again after a reboot: this host has no systemd",
                hint="set ray_survives_reboot to auto, and deploy again after a reboot",
            )
        if INIT in observed and self.limits:
            raise RefusedError(
                f"the limits {listed(list(self.limits))} of Ray's processes cannot be set: "
                "this host has no systemd",
                hint="leave ray_limits out there; such a process has the limits of the login",
            )
        network = self.network.on_host(observed, self.address)
        state = {k: v for k, v in observed.items() if not k.startswith(APART)}
        if not state:
            return network.on([Change("process", None, f"Ray {self.ray_version}")])
        desired = self._desired(network)
        changes = [*_gone(state, desired), *diff(state, desired)]
        changes += self._environment(state) + self._boot(state)
        return self.in_turn(state, network.on(changes), version_known=True)

    def _environment(self, state: State) -> list[Change]:
        runs, wanted = state.get(ENVIRONMENT, ""), state.get(ENVIRONMENT_NOW, "")
        name = wanted.rpartition("/")[2]
        differs = wanted and name != runs.rpartition("/")[2]
        return [Change(ENVIRONMENT, runs, wanted)] if differs else []

    def _boot(self, state: State) -> list[Change]:
        wanted = "false" if self.survives_reboot is False else "true"
        there = state.get(BOOT, wanted)
        return [Change(BOOT, there, wanted)] if there != wanted else []

    def apply(self, changes: Sequence[Change]) -> Sh:
        fields = {change.field for change in changes}
        if fields <= LIVE:
            return Sh.of(RESUME, **self._begin())
        network = placed(changes)
        another_ray = may_change_ray(changes, version_known=True)
        return Sh.of(
            START,
            **self._begin(),
            name=f"ray-{self.cluster}",
            run=self.run,
            data_dir=self.data_dir,
            environments=self.environments,
            user=self.user,
            reads="".join(f"{path}\n" for path in self.files()),
            run_file=run_file(self.folder, self.data_dir, self.process_env(network)),
            start_file=start_file(
                self.folder, ("ray", "start", "--block", *self.start_flags())
            ),
            unit_file=unit_file(
                self.folder,
                self.cluster,
                self.user,
                self.process_limits(network),
                STOP_S,
            ),
            spec="\n".join(f"{k}={v}" for k, v in self.spec(network).items()),
            head=self.head_address(),
            head_port=self.ports.head,
            drain_s=0 if FULL_RESTART in fields else self.drain_limit_s(),
            why=f"provision replaces {self.address}",
            tables=self.tables_dir(),
            wipe="yes" if self.tables_dir() and another_ray else "",
        )

    def _begin(self) -> dict[str, Value]:
        """Return the variables of what stops and starts the process."""
        return {
            "cluster": self.cluster,
            "process": self.folder,
            "boot": self.survives_reboot is not False,
            "stop_s": STOP_S,
        }

    def hopeless(self, first: State, now: State) -> str:
        if not self.is_first and now.get("health", "").startswith(NO_HEAD):
            return ""
        if INIT in now and now.get("status") == "stopped":
            return "its process has ended"
        often = int(now.get("restarts", 0)) - int(first.get("restarts", 0))
        return f"its process has ended {often} times" if often >= CRASHES else ""

    def put_back(self, observed: State, changes: Sequence[Change]) -> Sh:
        was_well = observed.get("health") == "healthy"
        works = can_go_back(changes, is_first=self.is_first)
        return Sh.of(
            PUT_BACK,
            **self._begin(),
            goes_back=self.keep_old and was_well and works,
            head="" if self.is_first else self.head_address(),
            head_port=self.ports.head,
            agent_port=self.ports.agent,
            wait_s=PUT_BACK_WAIT_S,
        )

    def evidence(self) -> Sh:
        return Sh.of(
            EVIDENCE,
            cluster=self.cluster,
            process=self.folder,
            head=self.head_address(),
            head_port=self.ports.head,
        )

    def advice(self, problem: str) -> str:
        return self.node_advice(problem)


_OTHER_RAY = frozenset(("process", ENVIRONMENT, VERSION_FIELD))
"""Fields of changes after which another Ray may run."""
SPEC = ("--", "env.", "limit.")
"""Beginnings of the fields of what a process was started with, that may go."""


def _gone(state: State, desired: State) -> list[Change]:
    """Return the parameters that the process has, and is not to have."""
    files = file_field("")
    return [
        Change(key, value, None)
        for key, value in state.items()
        if key.startswith((*SPEC, files)) and key not in desired
    ]
