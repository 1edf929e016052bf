"""A timer on the head that records Ray's jobs where they outlive Ray."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from provision.model.change import Change, State, diff
from provision.model.fields import AbsPath, Port
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, Thing
from provision.steps.files.foresight import at
from provision.steps.services.units.timed_program import TimedProgram

PROBE = read_shell(__file__, "probe.sh")
RECORD = read_shell(__file__, "record.sh")
INIT = "init"
"""The field that only a host without systemd has."""
FOLDER = "job_records"
"""The folder below Ray's folder on the head that has the records."""
LIST_BYTES = 32 * 2**20
"""Longest list of jobs that is recorded."""
UnitPart = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_.-]+\z")]
"""A name that may be a part of the name of a unit."""
HostName = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_.:%-]+\z")]
"""A name or an address."""
KIB_OF_MIB, MIB = 2**10, 2**20
SERVICE = """\
# Written by provision.
[Unit]
Description=records of the jobs of Ray cluster {cluster}

[Service]
Type=oneshot
ExecStart=/bin/sh "{program}"
TimeoutStartSec=300
NoNewPrivileges=true
ProtectHome=true
Nice=10
"""
TIMER = """\
# Written by provision.
[Unit]
Description=records of the jobs of Ray cluster {cluster}, every {interval_s} s

[Timer]
OnBootSec={interval_s}
OnUnitInactiveSec={interval_s}
AccuracySec=1

[Install]
WantedBy=timers.target
"""


def records_folder(data_dir: str) -> str:
    """Return the folder with the records of the cluster whose Ray has *data_dir*."""
    return f"{data_dir}/{FOLDER}"


def unit_of(cluster: str) -> str:
    """Return the name of the timer and its service, without their endings."""
    return f"provision-jobs-{cluster}"


class RayJobRecords(Step, kind="ray_job_records"):
    """A timer that records the jobs of Ray, and the output of those that were submitted.

    The records are in the folder `job_records` of `data_dir`, which has to be there:
    `lists` has Ray's list of jobs as it last was in each session that Ray has forgotten
    since, `logs` the output by id of the job. The oldest go, as the limits say.

    Example:
        ray_job_records:
          cluster: lab
          data_dir: /var/lib/provision-lab
          dashboard_host: 10.0.0.1

    Raises:
        ApplyError: systemd does not take the units, or the program fails.

    Source: systemd.timer(5), systemd 247; `/api/jobs/` of the dashboard, Ray 2.60.0.
    """

    title_format = "records of Ray's jobs"

    cluster: UnitPart
    data_dir: AbsPath
    """As in the step `ray_head`."""
    dashboard_host: HostName
    dashboard_port: Port = 8265
    jobs: int = Field(default=1000, ge=1)
    """Most jobs of which the output is kept."""
    total_mb: int = Field(default=1000, ge=1)
    """Most that the output of all of them takes; the lists take a quarter of it at most."""
    log_mb: int = Field(default=16, ge=1)
    """Most that is kept of the output of one job: its end."""
    interval_s: int = Field(default=15, ge=1)

    def program(self) -> str:
        """Return the program that the timer runs."""
        body = Sh.of(
            RECORD,
            records=records_folder(self.data_dir),
            data_dir=self.data_dir,
            host=self.dashboard_host,
            port=self.dashboard_port,
            most=self.jobs,
            most_kb=self.total_mb * KIB_OF_MIB,
            log_bytes=self.log_mb * MIB,
            list_bytes=LIST_BYTES,
        ).render()
        return f"# Written by provision.\n{body}\n"

    def timed(self) -> TimedProgram:
        """Return the program with its units."""
        path = f"{records_folder(self.data_dir)}/record.sh"
        about = {"cluster": self.cluster, "interval_s": self.interval_s}
        service = SERVICE.format(program=_in_unit(path), **about)
        timer = TIMER.format(**about)
        return TimedProgram(unit_of(self.cluster), path, self.program(), service, timer)

    def probe(self) -> Sh:
        timed = self.timed()
        return Sh.of(PROBE, *timed.files(), timer=timed.timer_name)

    def desired(self) -> State:
        return self.timed().desired()

    def plan(self, observed: State) -> list[Change]:
        return [] if INIT in observed else diff(observed, self.desired())

    def remarks(self, observed: State) -> Iterator[str]:
        if INIT in observed:
            yield (
                "there is no systemd, whose timer would record Ray's jobs: they are gone "
                "with Ray's session"
            )

    def describes(self) -> list[Thing]:
        return [at(path) for path in self.timed().files()]

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        return {at(path): {"type": "file"} for path in self.timed().written(changes)}

    def apply(self, changes: Sequence[Change]) -> Sh:
        return self.timed().start(changes)


def _in_unit(path: str) -> str:
    """Return *path* as systemd reads it between double quotes."""
    special = str.maketrans({"\\": r"\\", '"': r"\"", "%": "%%", "$": "$$"})
    return path.translate(special)
