"""A Docker engine that gives NVIDIA's GPUs to containers: what daemon.json needs for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from provision.model.change import Change, State
from provision.model.fields import Seconds
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, Thing
from provision.steps.docker.engine.engine import ENGINE_RESTART, DockerEngine, Merge
from provision.steps.gpu.host_gpus import (
    GPU_ACCESS,
    read_gpus,
    vendor_ids,
    without_gpus,
)
from provision.steps.gpu.toolkit.nvidia_toolkit import (
    FIRST_WITH_CDI,
    engine_to_come,
    major_version,
)

PROBE = read_shell(__file__, "engine_probe.sh")
RUNTIME = {"nvidia": {"args": [], "path": "nvidia-container-runtime"}}
"""The entry that `nvidia-ctk runtime configure --runtime=docker` makes, too."""
WITH_CDI = '25 ["/etc/cdi","/var/run/cdi"] runc'
"""The field `gpu.docker` of an engine that takes CDI names."""


class DockerGpus(Step, kind="docker_gpus"):
    """A Docker engine that takes CDI names, or has NVIDIA's runtime if it is too old for them.

    It adds one entry to daemon.json, `features.cdi` or `runtimes.nvidia`, and keeps all
    others, also those of the same key; the engine is then restarted. From Docker 28 on
    nothing is needed. On a host without NVIDIA's driver nothing is done.

    Example:
        docker_gpus: {}

    Raises:
        RefusedError: the host's daemon.json cannot be read, or the engine not be managed.
        ApplyError: Docker does not start with it; it is put back.

    Source: dockerd(8), Docker Engine 28; NVIDIA's container toolkit 1.17.
    """

    title_format = "docker engine for GPUs"

    lock_timeout_s: int = Field(default=120, ge=0)
    timeout_s: Seconds = 900

    @property
    def _engine(self) -> DockerEngine:
        return DockerEngine(lock_timeout_s=self.lock_timeout_s)

    @property
    def thing(self) -> Thing:
        return self._engine.thing

    def reads(self) -> list[Thing]:
        return [*self._engine.reads(), GPU_ACCESS]

    def probe(self) -> Sh:
        return Sh.of(PROBE, gpu_vendors=vendor_ids(), room_mb=0)  # it installs nothing

    def observe(self, reply: Reply) -> State:
        return self._engine.observe(reply)

    def desired(self) -> State:
        return {}

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        if engine_to_come(observed, written):
            return None
        return {**observed, **written.get(GPU_ACCESS, {})}

    def plan(self, observed: State) -> list[Change]:
        keys = _missing_keys(observed)
        if not keys:
            return []
        engine = DockerEngine(daemon=keys)
        changes = engine.plan(without_gpus(observed))
        ours = [c for c in changes if c.field.startswith("daemon.")]
        return ours or [c for c in changes if c.field == "loaded"]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        after: State = {c.field: c.after or "" for c in changes}
        text = next((c.document for c in changes if isinstance(c, Merge)), "{}")
        stops = json.loads(text).get("live-restore") is not True
        restart: State = {"containers": "started again"}
        cdi = any(c.field == "daemon.features" for c in changes)
        return {
            self.thing: after,
            **({ENGINE_RESTART: restart} if stops else {}),
            **({GPU_ACCESS: {"gpu.docker": WITH_CDI}} if cdi else {}),
        }

    def apply(self, changes: Sequence[Change]) -> Sh:
        if not changes:
            return NOTHING
        # A reload makes no engine look for CDI files, or for the hook of the runtime.
        sh = self._engine.apply(changes)
        return replace(sh, params={**sh.params, "restart": "true"})

    def evidence(self) -> Sh | None:
        return self._engine.evidence()


def _missing_keys(observed: State) -> Mapping[str, Any]:
    """The keys of daemon.json, whole, with the entry that is missing; none = all is there."""
    found = read_gpus(observed)
    docker = found.docker
    if not (found.gpus or found.driver) or docker is None or docker.cdi_dirs:
        return {}
    there = _document(observed.get("file", ""))
    if major_version(found) >= FIRST_WITH_CDI:
        return {"features": {**_entries(there, "features"), "cdi": True}}
    if not found.toolkit or "nvidia" in docker.runtimes:
        return {}
    return {"runtimes": {**_entries(there, "runtimes"), **RUNTIME}}


def _document(text: str) -> Mapping[str, Any]:
    """The content of daemon.json; none where the engine's own plan will refuse it."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _entries(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}
