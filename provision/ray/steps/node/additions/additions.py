"""Parts that a user adds to the container of a Ray node, and those that a host lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from provision.errors import RefusedError
from provision.model.change import State
from provision.model.fields import Line, Word
from provision.model.shell import Value
from provision.model.step import Thing
from provision.ray.steps.network.node_network import NodeNetwork
from provision.ray.steps.node.start.ray_start import RayStart
from provision.ray.steps.shared.folders import SharedFolder, container_mounts
from provision.steps.docker.container.parameters.limits import (
    Device,
    Ipc,
    MemoryMb,
    is_path,
)
from provision.steps.docker.container.parameters.mounts import (
    Mount,
    host_paths,
    mounted,
)
from provision.steps.docker.container.parameters.run_flags import RunFlag
from provision.steps.files.foresight import above, at, on_the_way
from provision.steps.gpu.grant import Grant
from provision.steps.mounts.mount_point import mounted_at

LACKS = "lacks."
"""Prefix of the fields that name what the container should get and the host does not have."""
MEMORY = "host_memory_kb"
"""The field with the memory of the host in KiB, which is no state of the node's."""
SHM_PERCENT = 35
"""Size of /dev/shm in percent of the host's memory, if no other is given."""
STORE_PERCENT = 30
"""Size of the object store in percent of the memory, if no other is given: Ray's own."""
"""Open files that Ray's guide asks for."""
OURS = ("/", "/dev/shm", "/run/ray")  # noqa: S108 (paths in the container)


class Additions(RayStart):
    """A Ray node with what its container has beside Ray."""

    mounts: tuple[Mount, ...] = ()
    """As `mounts` of docker_container: folders of the host, volumes, memory."""
    shared_folders: tuple[SharedFolder, ...] = ()
    """Folders that all nodes have at the same path."""
    host_names: tuple[Line, ...] = ()
    """The name and the groups of the host, by which `shared_folders` name a server."""
    devices: tuple[Device, ...] = ()
    shm_mb: int = Field(default=0, ge=0)
    """Size of /dev/shm; 0 = 35 % of the host's memory."""
    memory_mb: MemoryMb = 0
    """Most memory of the node; 0 = as much as the host has."""
    ipc: Ipc = ""
    groups: tuple[Word, ...] = ()
    """More groups of the user in the container, as numbers or names that its image has."""
    docker_args: tuple[RunFlag, ...] = ()
    """More flags of `docker run`, each as --name or --name=value."""

    @model_validator(mode="after")
    def _no_path_twice(self) -> Self:
        seen: set[str] = set()
        for one in map(mounted, self.own_mounts()):
            target = one.target.rstrip("/") or "/"
            if target in (*OURS, *self.kept_paths()):
                raise ValueError(f"mounts: {target} in the container is this program's")
            if target in seen:
                raise ValueError(
                    f"mounts: two of them are at {target} in the container"
                )
            seen.add(target)
        return self

    @model_validator(mode="after")
    def _memory_fits(self) -> Self:
        store = self.object_store_memory_mb or 0
        if 0 < self.memory_mb < store:
            raise ValueError(
                f"memory_mb: the object store of {store} MB does not fit into "
                f"{self.memory_mb} MB"
            )
        if self.ipc == "host" and self.shm_mb:
            raise ValueError(
                "shm_mb: with `ipc: host` the node has the host's /dev/shm"
            )
        return self

    def kept_paths(self) -> tuple[str, ...]:
        """Return the paths in the container where nothing else may be mounted. MAY."""
        return ()

    def own_mounts(self) -> tuple[str, ...]:
        """Return what the user mounts."""
        shared = container_mounts(self.shared_folders, self.host_names)
        return (*self.mounts, *shared)

    def added(self, gpus: Grant, network: NodeNetwork) -> dict[str, Any]:
        """Return the parameters of the container that user, GPUs and network decide."""
        limits = self.process_limits(network)
        devices = (*gpus.devices, *network.devices, *self.devices)
        return {
            "gpus": gpus.gpus,
            "devices": tuple(dict.fromkeys(devices)),
            "groups": tuple(dict.fromkeys([*gpus.groups, *self.groups])),
            "limits": {k: v for k, v in limits.items() if k != "nofile"},
            "nofile": limits["nofile"],
            "shm_mb": self.shm_mb,
            "shm_percent": 0 if self.ipc == "host" else SHM_PERCENT,
            "memory_mb": self.memory_mb,
            "ipc": self.ipc,
            "run_flags": self.docker_args,
        }

    def added_params(self) -> dict[str, Value]:
        """Return the variables with which the probe looks for what the host lacks."""
        devices = [
            device.partition(":")[0] for device in self.devices if is_path(device)
        ]
        return {
            "host_paths": "\n".join(host_paths(self.own_mounts())),
            "host_devices": "\n".join(devices),
        }

    def added_reads(self) -> list[Thing]:
        """Return the things of earlier steps that bring what is mounted."""
        return [
            thing for path in host_paths(self.own_mounts()) for thing in _brings(path)
        ]

    def after_steps(self, observed: State, written: Mapping[Thing, State]) -> State:
        """Return *observed* without what earlier steps bring, of what the host lacks."""
        made = {thing for thing, state in written.items() if state}
        return {
            field: value
            for field, value in observed.items()
            if not field.startswith(LACKS)
            or made.isdisjoint(_brings(field.removeprefix(LACKS)))
        }

    def refuse_lacking(self, observed: State) -> None:
        """Raise RefusedError if the host lacks what its container is to get."""
        for path, what in _lacking(observed).items():
            raise RefusedError(_problem(path, what), hint=_hint(path, what))

    def added_remarks(self, observed: State) -> Iterator[str]:
        """Yield what a person should know of what the container has."""
        for path, what in _lacking(observed).items():
            yield f"{_problem(path, what)}; {_hint(path, what)}"
        memory_mb = int(observed.get(MEMORY, 0)) // 1024
        memory_mb = min(memory_mb, self.memory_mb or memory_mb)
        store = self.object_store_memory_mb or memory_mb * STORE_PERCENT // 100
        if memory_mb and 0 < self.shm_mb < store:
            yield (
                f"shared memory of {self.shm_mb} MB (ray_shm_mb) is smaller than the object "
                f"store of {store} MB: Ray keeps objects in files of /tmp, which is slow; "
                f"ray_shm_mb: 0 makes it {SHM_PERCENT} % of the memory"
            )


def _brings(path: str) -> tuple[Thing, ...]:
    """The things of steps that make something at *path*, or mount something on its way."""
    ways = [path, *above(path)]
    return (at(path), on_the_way(path), *map(mounted_at, ways))


def _lacking(observed: State) -> dict[str, str]:
    return {
        field.removeprefix(LACKS): value
        for field, value in observed.items()
        if field.startswith(LACKS)
    }


def _problem(path: str, what: str) -> str:
    if what == "hangs":
        return f"{path} does not answer: what is mounted there hangs"
    kind = "the device" if path.startswith("/dev/") else "what is to be mounted,"
    return f"{kind} {path} is not on this host"


def _hint(path: str, what: str) -> str:
    if what == "hangs":
        return (
            "see `findmnt -T` on the host for its server and bring that back, or "
            f"`umount -l` it; nothing was changed (looked at for 5 s: {path})"
        )
    name = "ray_devices" if path.startswith("/dev/") else "ray_mounts"
    return f"make it there first, or take it out of {name} on this host"
