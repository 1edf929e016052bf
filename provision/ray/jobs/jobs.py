"""Jobs of a Ray cluster: submitted, listed and stopped."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Unpack

from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import ConnectionLost, HostError, OptionError, RefusedError
from provision.ray.head import head_of
from provision.ray.jobs.dashboard import Head, connected
from provision.ray.jobs.job import Job, checked, job_of
from provision.ray.jobs.package import package
from provision.ray.jobs.records import recorded_jobs, with_records
from provision.ray.on_hosts.places import ray_nodes


@contextmanager
def connected_to(inventory: Hosts, options: ClusterOptions) -> Iterator[Head]:
    """Yield the head of *inventory*, over a new connection.

    Raises:
        InputErrors: the inventory is wrong.
        ConnectError: the head cannot be reached.
    """
    cluster = load_inventory(inventory, options)
    head, nodes = head_of(cluster), ray_nodes(cluster, options.get("sets", {}))
    with connected(head, nodes) as made:
        yield made


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
    with connected_to(inventory, options) as head:
        _upload(head, name, content)
        body = {"entrypoint": entry, "runtime_env": environment}
        answer = head.ask("POST", "/api/jobs/", body)
    return str(answer.get("submission_id") or answer["job_id"])


def _upload(head: Head, name: str, content: bytes) -> None:
    place = f"/api/packages/gcs/{name}"
    try:
        head.ask("GET", place)
    except OptionError:
        head.ask("PUT", place, content)


def jobs(
    inventory: Hosts,
    *,
    past: bool = False,
    note: Callable[[str], object] = lambda text: None,
    **options: Unpack[ClusterOptions],
) -> list[Job]:
    """Return the jobs that Ray knows, the oldest first.

    Args:
        inventory: the cluster.
        past: also those that only the records of the head have; also while Ray is down.
        note: called with a line where Ray does not answer, and only records are shown.
        options: `sets`, `credentials`.

    Raises:
        HostError: the head cannot be reached; or Ray does not answer, without *past*.
    """
    with connected_to(inventory, options) as head:
        if not past:
            return sorted(_known(head), key=lambda job: job.started_s)
        recorded, known = recorded_jobs(head), []
        try:
            known = _known(head)
        except (ConnectionLost, RefusedError):
            raise
        except HostError as error:
            note(f"{error.message}: these are the records of {head.name}")
        return with_records(known, recorded)


def _known(head: Head) -> list[Job]:
    return [job_of(one) for one in head.ask("GET", "/api/jobs/")]


def stop_job(inventory: Hosts, job: str, **options: Unpack[ClusterOptions]) -> bool:
    """Stop a job; return False if it had ended before.

    Raises:
        OptionError: Ray has no such job.
    """
    place = f"/api/jobs/{checked(job)}/stop"
    with connected_to(inventory, options) as head:
        return bool(head.ask("POST", place).get("stopped"))
