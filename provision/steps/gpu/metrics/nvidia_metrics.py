"""Metrics of NVIDIA's GPUs that only nvidia-smi tells, for node_exporter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from provision.model.change import Change, State, diff
from provision.model.fields import AbsPath, Text
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, Thing
from provision.steps.files.foresight import at
from provision.steps.gpu.host_gpus import vendor_ids
from provision.steps.services.units.timed_program import TimedProgram

PROBE = read_shell(__file__, "probe.sh")
UNIT = "provision-gpu-metrics"
NUMBERS = "gpus.prom"
"""The file that the program writes."""
SEARCHED = (
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:"
    "/usr/local/nvidia/bin:/opt/nvidia/bin:/opt/bin:/usr/lib/wsl/lib"
)
"""Folders in which the program finds nvidia-smi, as `find_gpus.sh` does."""
SERVICE = """\
# Written by provision.
[Unit]
Description=metrics of NVIDIA's GPUs for node_exporter

[Service]
Type=oneshot
Environment=PATH={searched}
ExecStart=/bin/sh {program} {folder}
TimeoutStartSec=60
NoNewPrivileges=true
ProtectHome=true
Nice=10
"""
TIMER = """\
# Written by provision.
[Unit]
Description=metrics of NVIDIA's GPUs, every {interval_s} s

[Timer]
OnBootSec={interval_s}
OnUnitInactiveSec={interval_s}
AccuracySec=1

[Install]
WantedBy=timers.target
"""


class NvidiaMetrics(Step, kind="nvidia_metrics"):
    """A timer that runs a program which asks nvidia-smi, for node_exporter.

    The program is given the folder of node_exporter's textfile collector as its word, and
    finds nvidia-smi on its PATH. On a host without nvidia-smi nothing is done.

    Example:
        nvidia_metrics:
          path: /opt/provision/gpu_metrics/gpu_metrics.sh
          content: "{{ file('gpu_metrics.sh') }}"
          folder: /var/lib/provision_textfiles

    Raises:
        ApplyError: systemd does not take the units, or the program fails.

    Source: systemd.timer(5), systemd 247; textfile collector, node_exporter 1.9.
    """

    title_format = "metrics of NVIDIA's GPUs"

    folder: AbsPath
    """The folder that node_exporter reads."""
    path: AbsPath
    """The place of the program."""
    content: Text
    """The program, for `/bin/sh`."""
    interval_s: int = Field(default=30, ge=5)

    def timed(self) -> TimedProgram:
        """Return the program with its units."""
        service = SERVICE.format(
            searched=SEARCHED, program=self.path, folder=self.folder
        )
        timer = TIMER.format(interval_s=self.interval_s)
        return TimedProgram(UNIT, self.path, self.content, service, timer)

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            *self.timed().files(),
            gpu_vendors=vendor_ids(),
            timer=f"{UNIT}.timer",
            folder=self.folder,
        )

    def desired(self) -> State:
        return {**self.timed().desired(), "numbers": "written"}

    def plan(self, observed: State) -> list[Change]:
        if "smi" not in observed or "systemd" in observed:
            return []
        return diff(observed, self.desired())

    def remarks(self, observed: State) -> Iterator[str]:
        if "systemd" in observed:
            yield (
                "there is no systemd, whose timer would run nvidia-smi: no metrics of ECC, "
                "Xid and throttling"
            )

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        # The folder may have been there before, and then only its file is ours.
        numbers = [f"{self.folder}/{NUMBERS}"] if changes else []
        paths = [*self.timed().written(changes), *numbers]
        return {at(path): {"type": "file"} for path in paths}

    def apply(self, changes: Sequence[Change]) -> Sh:
        program_folder = self.path.rpartition("/")[0]
        return self.timed().start(changes, program_folder, self.folder)
