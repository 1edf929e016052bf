"""The Docker engine of a host: installed, configured and running."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import Change, State, diff
from provision.model.fields import Seconds
from provision.model.shell import Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, Thing
from provision.steps.docker.engine.daemon_json.document import (
    EMPTY,
    Keys,
    key_fields,
    parse,
)
from provision.steps.docker.engine.daemon_json.flags import (
    refuse_other_file,
    refuse_repeated,
    remapping,
)
from provision.steps.packages.packages import ADVICE, UPDATE_WITHIN_S, Package
from provision.steps.room import Megabytes, refuse_full

PROBE = read_shell(__file__, "probe.sh")
CONFIGURE = read_shell(__file__, "configure.sh")
EVIDENCE = read_shell(__file__, "evidence.sh")
RELOADABLE = frozenset(
    (
        "allow-nondistributable-artifacts",
        "authorization-plugins",
        "debug",
        "default-runtime",
        "insecure-registries",
        "labels",
        "live-restore",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "registry-mirrors",
        "runtimes",
        "shutdown-timeout",
    )
)
"""Keys that dockerd(8) takes over on SIGHUP, so that no container has to stop.

Without `features`: some of them, such as `containerd-snapshotter`, count from the next start
only, which may be months later. What is started now is seen to start.
"""
ENGINE_RESTART: Thing = "restart of the engine, and its containers with it"
DOCKERD_SAID = "dockerd said: "
"""Beginning of the line of the evidence with the reason for which dockerd ended."""


@dataclass(frozen=True, slots=True)
class Merge(Change):
    """A change of a key of daemon.json, with the whole file as it is to become."""

    document: str = ""


class HostEngine(Step):
    """The Docker engine of a host, installed from packages or not there."""

    packages: tuple[Package, ...] = ()
    """The names of its packages; default: those that the host's index has."""
    lock_timeout_s: int = Field(default=120, ge=0)
    timeout_s: Seconds = 900

    @property
    def thing(self) -> Thing:
        return "engine:docker"


class DockerEngine(HostEngine, kind="docker_engine"):
    """A Docker engine that runs, also after a reboot, with these keys in daemon.json.

    An engine that is there already, from whatever source, is taken as it is; if it
    came without the program `docker`, that is added. Keys of daemon.json that are not
    named here are kept; a named key gets exactly the given value, and one that is empty
    (`[]`, `{}`, null) is not managed. What the daemon can reload is reloaded; for any
    other key it is restarted, and with it its containers, unless `live-restore` is on.

    Without `packages` Docker's own (`docker-ce`, ...) are installed where its repository
    is set up, else the distribution's: `docker.io`, with `docker-cli` where that is a
    package of its own, or `moby-engine`.

    Raises:
        RefusedError: the host's daemon.json is not JSON, is not read, or has a key that
            is a flag of the unit as well; `docker` belongs to another engine (podman, a
            snap); docker.service, or a unit that it needs, is masked; `live-restore` is wanted of a member of a
            swarm; users are remapped, see `refuse_userns_remap`; or there is no room.
        ApplyError: the packages cannot be installed (the message names the process
            that has the lock), dockerd refuses the daemon.json, or Docker does not
            start: the message has dockerd's own reason, and says whether it starts with
            the daemon.json that was there before, which is put back; one that starts
            with neither is stopped.

    Source: dockerd(8), Docker Engine 20.10.
    """

    title_format = "docker engine"
    advice_table = {
        ("no program docker came",): "set docker_packages, or leave it out",
        ("no package of this host has a Docker engine",): (
            "set up Docker's repository on the host, as RHEL and its relatives need it, or "
            "name the packages of another one with docker_packages"
        ),
        **ADVICE,
    }
    start_advice: ClassVar[Mapping[tuple[str, ...], str]] = {
        ("unable to configure the Docker daemon",): (
            "correct what it names in daemon.json; a flag of docker.service may have it too"
        ),
        ("no space left on device",): (
            "make room in the file system of Docker's data (/var/lib/docker)"
        ),
        ("ptables",): (
            "install iptables, and see that this kernel has its modules (a kernel that was "
            "updated and not booted has none)"
        ),
        (
            "containerd",
            "failed to dial",
        ): "see `systemctl status containerd` and `journalctl -u containerd`",
        ("cgroup",): "mount the control groups as systemd does, or boot with systemd",
        ("graphdriver", "overlay", "storage-driver"): (
            "see that the file system of /var/lib/docker can carry that storage driver, and "
            "that the kernel has its module (`modprobe overlay`)"
        ),
    }
    """Advice by words in the reason for which dockerd ended."""

    daemon: Keys = {}
    room_mb: Megabytes = 600
    """Room that is needed in /usr, in apt's cache and for its data where it is missing."""
    refuse_userns_remap: bool = False
    """Refuse an engine that gives the users of containers other numbers on the host.

    For containers that share the host's network, which it does not let them; with
    `--userns=host` the files of their images still belong to the other numbers.
    """

    def probe(self) -> Sh:
        return Sh.of(PROBE, room_mb=self.room_mb)

    def observe(self, reply: Reply) -> State:
        state = dict(super().observe(reply))
        if "file" in state:
            state["file"] = base64.b64decode(state["file"]).decode("utf-8", "replace")
        return state

    def desired(self) -> State:
        there = {"engine": "installed", "client": "installed"}
        up = {**there, "running": "true", "boot": "true"}
        keys = key_fields(self._keys())
        return up | keys | ({"loaded": "true"} if keys else {})

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        stops = self._restarts(changes) and self.daemon.get("live-restore") is not True
        after: State = {"containers": "started again"}
        return {**super().writes(changes), **({ENGINE_RESTART: after} if stops else {})}

    def _restarts(self, changes: Sequence[Change]) -> bool:
        """Return whether an engine that runs is restarted to make *changes*."""
        fields = {change.field for change in changes}
        keys = {field[7:] for field in fields if field.startswith("daemon.")}
        due = bool(keys) or "loaded" in fields
        return due and not (keys or self._keys().keys()) <= RELOADABLE

    def plan(self, observed: State) -> list[Change]:
        _refuse_unmanageable(observed)
        in_swarm = observed.get("swarm") == "active"
        if in_swarm and self.daemon.get("live-restore") is True:
            raise RefusedError(
                "the engine is a member of a swarm, and would not start again with "
                "live-restore",
                hint="leave live-restore as it is (docker_live_restore: null)",
            )
        there = parse(observed.get("file", ""))
        merged = {**there, **self._keys()}
        self._refuse_unstartable(observed, merged)
        document = json.dumps(merged, indent=4)
        changes = diff({**key_fields(there), **observed}, self._wanted(observed))
        if "engine" not in observed:
            refuse_full(observed, "a Docker engine", self.room_mb, "room_mb")
        return [
            Merge(change.field, change.before, change.after, document)
            if change.field.startswith("daemon.")
            else change
            for change in changes
        ]

    def _refuse_unstartable(self, observed: State, keys: Mapping[str, Any]) -> None:
        """Raise RefusedError if the engine would not start with *keys*, or not as needed."""
        if self._keys():
            refuse_other_file(observed)
        refuse_repeated(observed, keys)
        cause = remapping(observed, keys) if self.refuse_userns_remap else ""
        if cause:
            raise RefusedError(
                "the engine remaps the users of its containers, which then cannot share "
                f"the host's network: {cause}",
                hint="take userns-remap away and restart Docker (its images and "
                "containers are then pulled and made anew), or leave this host out",
            )

    def _wanted(self, observed: State) -> dict[str, str]:
        """Desired; of an engine that is yet to come only what says something."""
        wanted = dict(self.desired())
        implied: tuple[str, ...] = ()
        if "engine" not in observed:
            implied = ("client", "running", "boot", "loaded")
        elif "client" not in observed:
            implied = ("running",)
        return {key: value for key, value in wanted.items() if key not in implied}

    def _keys(self) -> dict[str, Any]:
        return {key: value for key, value in self.daemon.items() if value not in EMPTY}

    def apply(self, changes: Sequence[Change]) -> Sh:
        documents = [change.document for change in changes if isinstance(change, Merge)]
        fields = {change.field for change in changes}
        return Sh.of(
            CONFIGURE,
            *self.packages,
            document=documents[0] if documents else "",
            install="engine" in fields,
            complete="client" in fields,
            restart=self._restarts(changes),
            lock_timeout_s=self.lock_timeout_s,
            update_within_s=UPDATE_WITHIN_S,
        )

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE)

    def advice(self, problem: str) -> str:
        # Its other lines have words such as containerd in any case.
        for line in problem.splitlines():
            if line.startswith(DOCKERD_SAID):
                for words, what in self.start_advice.items():
                    if any(word in line for word in words):
                        return what
        return super().advice(problem)


def _refuse_unmanageable(observed: State) -> None:
    """Raise RefusedError if the engine cannot be started and configured by its unit."""
    if observed.get("unit") == "missing":
        raise RefusedError(
            "there is no docker.service on this host, and its `docker` is not that of an "
            f"engine that can be managed: {observed.get('program') or 'it does not say'}",
            hint="remove what has the place of Docker there (podman-docker, a snap), "
            "or leave this host out",
        )
    if observed.get("unit") == "masked":
        unit = observed.get("masked", "docker.service")
        raise RefusedError(
            f"{unit} is masked on this host",
            hint=f"see who did so and why; `systemctl unmask {unit}` undoes it",
        )
