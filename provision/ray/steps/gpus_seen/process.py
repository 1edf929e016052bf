"""The check that a node of Ray that is a process counts the GPUs of its host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from provision.model.change import Change, State
from provision.model.fields import AbsPath, Line
from provision.model.shell import NOTHING, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step
from provision.ray.steps.gpus_seen.losses import RAY, in_words
from provision.ray.steps.stop_mark.mark import mark_path, purpose
from provision.steps.gpu.host_gpus import HostGpus, read_gpus, vendor_ids

PROBE = read_shell(__file__, "process_probe.sh")
RAYLET = "raylet"
"""The field with the resources that the node was started with."""


class GpusOfProcess(Step, kind="gpus_of_process"):
    """Ray's node, a process of the host, counts the GPUs that NVIDIA's driver has.

    It changes nothing. A node that is not there, or that was stopped, is no difference here;
    nor is one that was told how many it has, or which. GPUs of other makers are shown, and not
    compared: Ray needs their own software to count them.

    Raises:
        VerifyError: it counts fewer.

    Source: `nvidia-smi -L`, NVIDIA driver 580; the arguments of `raylet`, Ray 2.60.0.
    """

    title_format = "GPUs counted by Ray"
    advice_table = {
        (
            "GPUs in Ray",
        ): "Ray counts when it starts: `restart --limit HOST` counts anew",
    }
    checks_only: ClassVar[bool] = True

    data_dir: AbsPath
    num_gpus: int | None = Field(default=None, ge=0)
    """The number that Ray was told; default: it counts."""
    visible: Line = ""
    """CUDA_VISIBLE_DEVICES of the process; "" = it sees all."""

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            gpu_vendors=vendor_ids(),
            data_dir=self.data_dir,
            stop_mark=mark_path(self.data_dir),
        )

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        there, counted = len(read_gpus(observed).gpus), counted_by_ray(observed)
        chosen = self.num_gpus is not None or self.visible
        if chosen or purpose(observed) or counted is None or counted >= there:
            return []
        return [Change(RAY, f"{counted:g}", str(there))]

    def apply(self, changes: Sequence[Change]) -> Sh:
        return NOTHING


def counted_by_ray(observed: State) -> float | None:
    """Return the GPUs of the node in *observed*; None = unknown: none runs."""
    if RAYLET not in observed:
        return None
    words = observed[RAYLET].split(",")
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    return float(pairs.get("GPU", 0))


def process_gpu_cell(observed: State) -> str:
    """Return the GPUs of a host in a few words, from what `gpus_of_process` observed."""
    found: HostGpus = read_gpus(observed)
    words, counted = in_words(found), counted_by_ray(observed)
    if not words:
        return "-"
    if counted is None:
        return words if purpose(observed) else f"{words}, unknown in Ray"
    return words if counted == len(found.gpus) else f"{counted:g} in Ray of {words}"
