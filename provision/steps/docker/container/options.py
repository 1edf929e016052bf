"""Parameters of a container, as text to compare and as flags of Docker."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from provision.model.fields import AbsPath, Line, Parameters, Word
from provision.model.step import Step
from provision.steps.docker.container.parameters.limits import (
    Device,
    Ipc,
    Limits,
    MemoryMb,
)
from provision.steps.docker.container.parameters.mounts import Mount, mounted
from provision.steps.docker.container.parameters.run_flags import RunFlag

FLAG = re.compile(r"(--[a-z0-9-]+)=(.*)", re.DOTALL)


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        raise ValueError(  # noqa: TRY004 (pydantic reports no other)
            "a secret here could be read by anyone who may use Docker: write it to a "
            "file with a `file` step and mount that"
        )
    return value


Plain = Annotated[str, BeforeValidator(_plain)]


class Health(Parameters):
    """Docker's health check of a container."""

    command: Plain
    """Run by `sh` in the container; exit code 0 says it is well."""
    interval_s: int = Field(default=10, ge=1)
    timeout_s: int = Field(default=5, ge=1)
    start_s: int = Field(default=60, ge=0)
    retries: int = Field(default=3, ge=1)

    def flags(self) -> Iterator[tuple[str, str]]:
        """Flags of `docker run` and their values."""
        yield "--health-cmd", self.command
        yield "--health-interval", f"{self.interval_s}s"
        yield "--health-timeout", f"{self.timeout_s}s"
        yield "--health-start-period", f"{self.start_s}s"
        yield "--health-retries", str(self.retries)


MEMORY = "memory_mb"
"""The field of the memory that it may use, which Docker can change while it runs."""
LOG_FILES = 4
"""Files of a container's output; when the last is full, the first is removed."""


class Options(Step):
    """The parameters of a container."""

    name: Word
    image: Word
    command: tuple[Plain, ...] = ()
    env: Mapping[Word, Plain] = {}
    mounts: tuple[Mount, ...] = ()
    """`SOURCE[:TARGET][:ro]`, a volume as `NAME:TARGET[:ro]`, or memory as
    `tmpfs:TARGET[:MB]`; a source must exist on the host."""
    files: tuple[AbsPath, ...] = ()
    """Files on the host whose content it reads at its start: a change replaces it."""
    ports: tuple[Line, ...] = ()
    """Published ports, as `docker run --publish` takes them."""
    network: Word = "bridge"
    labels: Mapping[Word, Plain] = {}
    user: Line = ""
    init: bool = True
    gpus: Line = ""
    """NVIDIA's GPUs, as `docker run --gpus` takes them."""
    devices: tuple[Device, ...] = ()
    """Devices of the host, as `docker run --device` takes them: paths, or CDI names."""
    groups: tuple[Word, ...] = ()
    """More groups of its user, as `docker run --group-add` takes them."""
    shm_mb: int = Field(default=0, ge=0)
    shm_percent: int = Field(default=0, ge=0, le=90)
    """Size of /dev/shm in percent of the host's memory, unless `shm_mb` says it."""
    nofile: int = Field(default=0, ge=0)
    """Open files allowed; fewer where the Docker daemon itself may not have as many."""
    limits: Limits = {}
    """Limits of its processes, as `docker run --ulimit` names them; -1 = none."""
    memory_mb: MemoryMb = 0
    """Most memory that it may use; 0 = as much as the host has."""
    ipc: Ipc = ""
    """Sharing of System V memory and /dev/shm; "" = as the daemon does."""
    run_flags: tuple[RunFlag, ...] = ()
    """More flags of `docker run`, each as `--name` or `--name=value`."""
    log_max_mb: int = Field(default=0, ge=0)
    """Most that Docker keeps of its output, in four files; 0 = as the daemon does."""
    restart: Literal["no", "always", "unless-stopped", "on-failure"] = "unless-stopped"
    health: Health | None = None
    stop_s: int = Field(default=30, ge=0)
    """Time to end after SIGTERM, before it is killed."""
    settle_s: float = Field(default=60, ge=0)

    def spec(self) -> dict[str, str]:
        """The parameters as text by field, in the form kept on the container."""
        spec = {"image": self.image}
        words = [word for word in self.command if not FLAG.match(word)]
        if words:
            spec["command"] = shlex.join(words)
        for name, value in filter(None, map(_flag, self.command)):
            spec[name] = f"{spec[name]} {value}" if name in spec else value
        return spec | {field: value for field, value, _ in self.options()}

    def options(self) -> Iterator[tuple[str, str, str]]:
        """Field, value and flag of `docker run` for each; flag "" = set on the host."""
        yield "network", self.network, f"--network={self.network}"
        for name, value in self.env.items():
            yield f"env.{name}", value, f"--env={name}={value}"
        for mount in map(mounted, self.mounts):
            yield f"mount.{mount.target}", str(mount), mount.flag
        for port in self.ports:
            yield f"port.{port}", "published", f"--publish={port}"
        for name, value in self.labels.items():
            yield f"label.{name}", value, f"--label={name}={value}"
        for flag, value in self.health.flags() if self.health else ():
            yield flag.replace("--health-", "health."), value, f"{flag}={value}"
        yield from self._gpus()
        yield from self._limits()
        yield from self._more()

    def _gpus(self) -> Iterator[tuple[str, str, str]]:
        if self.gpus:
            yield "gpus", self.gpus, f"--gpus={self.gpus}"
        for device in self.devices:
            yield f"device.{device}", "given", f"--device={device}"
        for group in self.groups:
            yield f"group.{group}", "added", f"--group-add={group}"

    def _more(self) -> Iterator[tuple[str, str, str]]:
        for name, value in self.limits.items():
            yield f"limit.{name}", str(value), f"--ulimit={name}={value}:{value}"
        if self.memory_mb:
            yield MEMORY, str(self.memory_mb), f"--memory={self.memory_mb}m"
        if self.ipc:
            yield "ipc", self.ipc, f"--ipc={self.ipc}"
        for flag in self.run_flags:
            yield f"docker {flag}", "given", flag

    def _limits(self) -> Iterator[tuple[str, str, str]]:
        if self.init:
            yield "init", "true", "--init"
        if self.user:
            yield "user", self.user, f"--user={self.user}"
        if self.shm_mb:
            yield "shm_mb", str(self.shm_mb), f"--shm-size={self.shm_mb}m"
        elif self.shm_percent:
            yield "shm_percent", str(self.shm_percent), ""
        if self.nofile:
            yield "nofile", str(self.nofile), ""
        for flag in log_flags(self.log_max_mb):
            yield "log_max_mb", str(self.log_max_mb), flag


def log_flags(max_mb: int) -> tuple[str, ...]:
    """Return the flags for at most *max_mb* of output: the oldest file goes first.

    The driver is named, since others refuse these options or keep no output to show.
    """
    if not max_mb:
        return ()
    size = f"--log-opt=max-size={max_mb * 1024 // LOG_FILES}k"
    return ("--log-driver=json-file", size, f"--log-opt=max-file={LOG_FILES}")


def _flag(word: str) -> tuple[str, str] | None:
    match = FLAG.match(word)
    return (match[1], match[2]) if match else None
