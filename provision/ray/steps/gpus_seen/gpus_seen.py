"""The check that a node of Ray has the GPUs of its host."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import AbsPath, Line, Port, Word
from provision.model.shell import NOTHING, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step
from provision.ray.steps.gpus_seen.losses import (
    RAY,
    UNKNOWN,
    Way,
    expected,
    in_words,
    loss,
)
from provision.ray.steps.node.base import container_name
from provision.ray.steps.nodes import ALIVE, OK
from provision.ray.steps.stop_mark.mark import mark_path, purpose
from provision.steps.gpu.grant import Grant, grant
from provision.steps.gpu.host_gpus import NVIDIA, read_gpus, vendor_ids
from provision.steps.gpu.wanted import AUTO, WantedGpus
from provision.steps.http import parse_http

PROBE = read_shell(__file__, "probe.sh")
EVIDENCE = read_shell(__file__, "evidence.sh")
INSIDE = "in."
"""Prefix of the fields with lines of the container."""
VISIBLE = "visible"
"""The field with the GPUs that CUDA sees in the container, where they are limited."""
SILENT = "silent"
"""The field that says why the container could not be asked."""


class GpusSeen(Step, kind="gpus_seen"):
    """Ray's node has the GPUs of its host: on the bus, in the driver, the container and Ray.

    It changes nothing: it waits, at most `settle_s` seconds. A difference names the
    first of the four, or the CDI file, that has fewer than the one before. On a host
    with no GPU it asks nobody. AMD's GPUs that Ray does not count are a difference only
    where they were asked for: an image without ROCm counts none.

    Raises:
        VerifyError: some are lost; the message says where, the report has the last
            lines of the kernel, the driver and the container.

    Source: `nvidia-smi -L`, NVIDIA driver 580; `/api/v0/nodes` of the dashboard, Ray 2.60.0.
    """

    title_format = "GPUs seen by Ray"
    advice_table = {
        ("GPUs on the PCI bus",): (
            "the card is gone from the bus: see `dmesg`, and whether it sits and has power"
        ),
        ("GPUs of the driver",): (
            "see `dmesg | grep -i -E 'nvrm|xid'` below; a reset or a reboot often helps"
        ),
        ("GPUs in /",): "make the CDI file again: `nvidia-ctk cdi generate`",
        ("GPUs in the container",): (
            "it was made when fewer were there, or lost them to a `systemctl "
            "daemon-reload`: `docker restart` it"
        ),
        ("GPUs in Ray",): (
            "see ray_num_gpus and CUDA_VISIBLE_DEVICES in ray_env; Ray counts when it starts"
        ),
    }
    checks_only: ClassVar[bool] = True

    cluster: Word
    address: Word
    """The address that Ray knows the node by."""
    data_dir: AbsPath
    dashboard_host: Line
    dashboard_port: Port = 8265
    gpus: WantedGpus = AUTO
    """Those that the container was to get."""
    num_gpus: int | None = Field(default=None, ge=0)
    """The number that Ray was told; default: it counts."""
    settle_s: float = Field(default=60, ge=0)

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            name=container_name(self.cluster),
            gpus=self.gpus is not False,
            gpu_vendors=vendor_ids(),
            address=self.address,
            token_file=f"{self.data_dir}/auth_token",
            host=self.dashboard_host,
            port=self.dashboard_port,
            stop_mark=mark_path(self.data_dir),
        )

    def observe(self, reply: Reply) -> State:
        state = dict(super().observe(reply))
        if SILENT in state or any(key.startswith(INSIDE) for key in state):
            answer = base64.b64decode(state.get("ray", "")).decode("utf-8", "replace")
            number = _number_in_ray(answer, state.pop("raylet", ""))
            state["ray"] = UNKNOWN if number is None else f"{number:g}"
        return state

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        way = self._way(observed)
        lost = loss(way) if way else None
        return [] if lost is None or self._is_remark(way, lost) else [lost]

    def _way(self, observed: State) -> Way | None:
        """Return the way of the GPUs; None: the node was stopped, or refuses what is wanted."""
        if purpose(observed):
            return None
        found = read_gpus(observed)
        try:
            given = grant(found, self.gpus)
        except RefusedError:
            return None
        ray = observed.get("ray", UNKNOWN)
        return Way(
            found=found,
            given=given,
            inside=[v for key, v in observed.items() if key.startswith(INSIDE)],
            silent=observed.get(SILENT, ""),
            ray=None if ray == UNKNOWN else float(ray),
            counted=self._counted(given, observed.get(VISIBLE)),
        )

    def _counted(self, given: Grant, visible: str | None) -> int | None:
        """The number that Ray is to have if not all: as told, or as CUDA is let see."""
        if self.num_gpus is not None or visible is None:
            return self.num_gpus
        number = len([one for one in visible.split(",") if one])
        return number if given.number is None else min(number, given.number)

    def _is_remark(self, way: Way | None, lost: Change) -> bool:
        by_itself = self.gpus == AUTO and self.num_gpus is None
        is_amd = way is not None and not way.found.of(NVIDIA) and not way.found.gpus
        return by_itself and is_amd and lost.field == RAY and lost.before != UNKNOWN

    def remarks(self, observed: State) -> Iterator[str]:
        way = self._way(observed)
        lost = loss(way) if way else None
        if way and lost and self._is_remark(way, lost):
            yield (
                f"Ray counts {lost.before} of {expected(way)} GPUs of AMD in its container: "
                "its image has no ROCm; choose one that has, or set ray_num_gpus"
            )

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING

    def evidence(self) -> Sh:
        return Sh.of(
            EVIDENCE, name=container_name(self.cluster), gpu_vendors=vendor_ids()
        )


def gpu_cell(observed: State) -> str:
    """Return the GPUs of a host in a few words, from what `gpus_seen` observed.

    "-" = it has none. One that Ray could not be asked about is said to be unknown.
    """
    found = read_gpus(observed)
    words = in_words(found)
    if not words:
        return "-"
    if "ray" not in observed:
        return f"{words}, not given"
    ray = observed["ray"]
    number = grant(found, AUTO).number
    if ray == UNKNOWN:
        return f"{words}, {UNKNOWN} in Ray"
    return words if ray == str(number) else f"{ray} in Ray of {words}"


def _number_in_ray(answer: str, raylet: str) -> float | None:
    """Return how many GPUs Ray says its node has; None = unknown.

    Args:
        answer: what its dashboard answered.
        raylet: the resources that the node was started with. They count where the
            dashboard cannot be reached, such as one that listens on the head alone.
    """
    reply = parse_http(answer)
    if reply.code == OK:
        nodes = json.loads(reply.body)["data"]["result"]["result"]
        alive = [node for node in nodes if node["state"] == ALIVE]
        if alive:
            return float(alive[-1].get("resources_total", {}).get("GPU", 0))
        return None
    if not reply.status and raylet:
        return _number_of_raylet(raylet)
    return None


def _number_of_raylet(resources: str) -> float:
    words = resources.split(",")
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    return float(pairs.get("GPU", 0))
