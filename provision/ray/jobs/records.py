"""The jobs that are recorded on the head; the step `ray_job_records` records them."""

from __future__ import annotations

import io
import json
import math
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import replace

from provision.errors import HostError
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.ray.jobs.dashboard import Head
from provision.ray.jobs.job import Job, job_of
from provision.ray.steps.job_records.job_records import records_folder

RECORDS = read_shell(__file__, "records.sh")


def recorded_jobs(head: Head) -> list[Job]:
    """Return the jobs that are recorded on *head*, each as it was seen last.

    Raises:
        ConnectionLost: the connection was lost.
        HostError: a record cannot be read.
    """
    data = bytearray()
    head.read(Sh.of(RECORDS, folder=records_folder(head.data_dir)), data.extend)
    if not data:
        return []
    try:
        return newest(_read(bytes(data)))
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise HostError(
            f"{head.name}: the records of jobs cannot be read: {error}",
            hint=f"they are in {records_folder(head.data_dir)}/lists on the host",
        ) from error


def _read(archive: bytes) -> Iterator[Job]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        for member in files:
            file = files.extractfile(member)
            if file is not None:
                for found in json.loads(file.read()):
                    yield job_of(found, member.mtime)


def newest(jobs: Iterable[Job]) -> list[Job]:
    """Return each of *jobs* as it was seen last, those that began first at the beginning."""
    seen = {job.key: job for job in sorted(jobs, key=lambda job: job.recorded_s)}
    return sorted(seen.values(), key=lambda job: job.started_s)


def with_records(known: Iterable[Job], recorded: Iterable[Job]) -> list[Job]:
    """Return the jobs that Ray knows, and those *recorded* that it does not know."""
    now = (replace(job, recorded_s=math.inf) for job in known)
    both = newest([*recorded, *now])
    return [
        replace(job, recorded_s=0) if math.isinf(job.recorded_s) else job
        for job in both
    ]
