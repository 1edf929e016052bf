"""Jobs of a Ray cluster: submitted, followed, listed and stopped."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import ConnectError, ConnectionLost, OptionError
from provision.ray.head import head_of
from provision.ray.jobs.dashboard import Dashboard, connected
from provision.ray.jobs.package import package
from provision.ray.on_hosts.places import ray_nodes

ENDED = frozenset(("SUCCEEDED", "FAILED", "STOPPED"))
POLL_S = 1.0
LOST_S = 120.0
"""Seconds without an answer after which a job is no longer followed."""
NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}\Z")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as Ray knows it.

    Attributes:
        id: its submission id.
        status: PENDING, RUNNING, or one of ENDED.
        entrypoint: the command that runs on the head.
        message: a sentence of Ray's about its status.
        started_s: when it began, in seconds since 1970; 0 = unknown.
        ended_s: when it ended; 0 = it has not, or unknown.
        driver_exit: exit code of its command; None = it has not ended, or is unknown.
    """

    id: str
    status: str
    entrypoint: str
    message: str = ""
    started_s: float = 0
    ended_s: float = 0
    driver_exit: int | None = None

    @property
    def exit_code(self) -> int:
        """The exit code of a job that ended: its command's, or 1; 0 if it went well."""
        if self.status == "SUCCEEDED":
            return 0
        return self.driver_exit if self.driver_exit and self.driver_exit > 0 else 1


def _job(found: Mapping[str, Any]) -> Job:
    return Job(
        str(found.get("submission_id") or found.get("job_id") or ""),
        str(found.get("status", "unknown")),
        str(found.get("entrypoint", "")),
        str(found.get("message") or ""),
        (found.get("start_time") or 0) / 1000,
        (found.get("end_time") or 0) / 1000,
        found.get("driver_exit_code"),
    )


@contextmanager
def _dashboard(inventory: Hosts, options: ClusterOptions) -> Iterator[Dashboard]:
    cluster = load_inventory(inventory, options)
    head, nodes = head_of(cluster), ray_nodes(cluster, options.get("sets", {}))
    with connected(head, nodes) as dashboard:
        yield dashboard


def submit_job(
    inventory: Hosts,
    script: str,
    *arguments: str,
    working_dir: str = "",
    pip: Sequence[str] = (),
    uv: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    **options: Unpack[ClusterOptions],
) -> str:
    """Submit a Python script as a job; return its id.

    Args:
        inventory: the cluster.
        script: a path; the job runs it in a copy of its folder.
        arguments: of the script.
        working_dir: the folder that is uploaded instead; the script is in it.
        pip: packages that pip installs for the job.
        uv: packages that uv installs for the job.
        env: environment of the job.
        options: `sets`, `credentials`.

    Raises:
        OptionError: there is no such script, or its folder is too large.
        HostError: the head cannot be reached, or Ray does not take it.
    """
    path = Path(script)
    folder = Path(working_dir) if working_dir else path.absolute().parent
    if not path.is_file():
        raise OptionError(f"there is no file {script} on this machine")
    if not path.absolute().is_relative_to(folder.absolute()):
        raise OptionError(f"{script} is not in the working directory {folder}")
    if pip and uv:
        raise OptionError("--pip and --uv exclude each other in Ray", hint="use one")
    name, content = package(folder)
    inside = path.absolute().relative_to(folder.absolute()).as_posix()
    environment: dict[str, Any] = {"working_dir": f"gcs://{name}"}
    environment |= {"pip": [*pip]} if pip else {}
    environment |= {"uv": [*uv]} if uv else {}
    environment |= {"env_vars": dict(env)} if env else {}
    entry = shlex.join(["python", "-u", inside, *arguments])
    with _dashboard(inventory, options) as dashboard:
        _upload(dashboard, name, content)
        body = {"entrypoint": entry, "runtime_env": environment}
        answer = dashboard.ask("POST", "/api/jobs/", body)
    return str(answer.get("submission_id") or answer["job_id"])


def _upload(dashboard: Dashboard, name: str, content: bytes) -> None:
    place = f"/api/packages/gcs/{name}"
    try:
        dashboard.ask("GET", place)
    except OptionError:
        dashboard.ask("PUT", place, content)


def jobs(inventory: Hosts, **options: Unpack[ClusterOptions]) -> list[Job]:
    """Return the jobs that Ray knows, the oldest first."""
    with _dashboard(inventory, options) as dashboard:
        found = [_job(one) for one in dashboard.ask("GET", "/api/jobs/")]
    return sorted(found, key=lambda job: job.started_s)


def _checked(job: str) -> str:
    if not NAME.match(job):
        raise OptionError(f"{job!r} is no id of a job", hint="`jobs` lists them")
    return job


def stop_job(inventory: Hosts, job: str, **options: Unpack[ClusterOptions]) -> bool:
    """Stop a job; return False if it had ended before.

    Raises:
        OptionError: Ray has no such job.
    """
    place = f"/api/jobs/{_checked(job)}/stop"
    with _dashboard(inventory, options) as dashboard:
        return bool(dashboard.ask("POST", place).get("stopped"))


def job_logs(
    inventory: Hosts,
    job: str,
    take: Callable[[str], object],
    *,
    follow: bool = False,
    **options: Unpack[ClusterOptions],
) -> Job:
    """Hand the output of a job to *take*; return the job as it is at the end.

    Args:
        inventory: the cluster.
        job: its id.
        take: called with each part of its output.
        follow: until it ends, also over a lost connection or a restart of the dashboard.
        options: `sets`, `credentials`.

    Raises:
        OptionError: Ray has no such job.
        HostError: the head cannot be reached; to follow, for LOST_S seconds.
    """
    told, answered_s = 0, time.monotonic()
    while True:
        try:
            with _dashboard(inventory, options) as dashboard:
                while True:
                    found = _job(dashboard.ask("GET", f"/api/jobs/{_checked(job)}"))
                    text = dashboard.ask("GET", f"/api/jobs/{job}/logs")["logs"] or ""
                    answered_s = time.monotonic()
                    if text[told:]:
                        take(text[told:])
                    told = len(text)
                    if found.status in ENDED or not follow:
                        return found
                    time.sleep(POLL_S)
        except (ConnectError, ConnectionLost):
            if not follow or time.monotonic() - answered_s > LOST_S:
                raise
            time.sleep(POLL_S)
