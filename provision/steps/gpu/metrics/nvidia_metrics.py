"""Metrics of NVIDIA's GPUs that only nvidia-smi tells, for node_exporter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from pydantic import Field

from provision.model.change import Change, State, diff
from provision.model.fields import AbsPath, Text
from provision.model.shell import NOTHING, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, Thing
from provision.steps.files.foresight import at
from provision.steps.gpu.host_gpus import vendor_ids

PROBE = read_shell(__file__, "probe.sh")
START = read_shell(__file__, "start.sh")
UNIT = "provision-gpu-metrics"
UNITS = "/etc/systemd/system"
NUMBERS = "gpus.prom"
"""The file that the program writes."""
FILE = "file."
"""Prefix of the fields with the digests of files."""
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

    def files(self) -> dict[str, str]:
        """Return the content of each file, by its path."""
        service = SERVICE.format(
            searched=SEARCHED, program=self.path, folder=self.folder
        )
        return {
            self.path: self.content,
            f"{UNITS}/{UNIT}.service": service,
            f"{UNITS}/{UNIT}.timer": TIMER.format(interval_s=self.interval_s),
        }

    def probe(self) -> Sh:
        return Sh.of(
            PROBE,
            *self.files(),
            gpu_vendors=vendor_ids(),
            timer=f"{UNIT}.timer",
            folder=self.folder,
        )

    def desired(self) -> State:
        digests = {
            f"{FILE}{path}": sha256(text.encode()).hexdigest()
            for path, text in self.files().items()
        }
        return {**digests, "timer": "active", "numbers": "written"}

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
        fields = {change.field for change in changes}
        paths = [path for path in self.files() if f"{FILE}{path}" in fields]
        # The folder may have been there before, and then only its file is ours.
        numbers = [f"{self.folder}/{NUMBERS}"] if fields else []
        return {at(path): {"type": "file"} for path in (*paths, *numbers)}

    def apply(self, changes: Sequence[Change]) -> Sh:
        if not changes:
            return NOTHING
        (path, program), (unit, service), (timer_path, timer) = self.files().items()
        return Sh.of(
            START,
            write=any(change.field.startswith(FILE) for change in changes),
            program=program,
            service=service,
            timer=timer,
            program_path=path,
            service_path=unit,
            timer_path=timer_path,
            folder=self.folder,
            service_name=f"{UNIT}.service",
            timer_name=f"{UNIT}.timer",
        )
