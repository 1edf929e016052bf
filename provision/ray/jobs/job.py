"""A job, as Ray or a record of it describes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.errors import OptionError

ENDED = frozenset(("SUCCEEDED", "FAILED", "STOPPED"))
UNKNOWN = "UNKNOWN"
"""Status of a job whose end nobody has seen."""
NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}\Z")
NUMBER = re.compile(r"[0-9a-f]{8}\Z")
"""The id of a job that was not submitted: of a program that called `ray.init`."""
MS = 1000


@dataclass(frozen=True, slots=True)
class Job:
    """A job as Ray knows it, or as it was recorded.

    Attributes:
        id: its submission id.
        status: PENDING, RUNNING, or one of ENDED; UNKNOWN = its end was not seen.
        entrypoint: the command that runs on the head.
        message: a sentence of Ray's about its status.
        started_s: when it began, in seconds since 1970; 0 = unknown.
        ended_s: when it ended; 0 = it has not, or unknown.
        driver_exit: exit code of its command; None = it has not ended, or is unknown.
        recorded_s: when the record was made that this is from; 0 = Ray says so now.
    """

    id: str
    status: str
    entrypoint: str
    message: str = ""
    started_s: float = 0
    ended_s: float = 0
    driver_exit: int | None = None
    recorded_s: float = 0

    @property
    def key(self) -> tuple[str, float]:
        """A key that no other job has: numbers of jobs that nobody submitted begin anew."""
        return (self.id, self.started_s if NUMBER.match(self.id) else 0)

    @property
    def exit_code(self) -> int:
        """The exit code of a job that ended: its command's, or 1; 0 if it went well."""
        if self.status == "SUCCEEDED":
            return 0
        return self.driver_exit if self.driver_exit and self.driver_exit > 0 else 1


def job_of(found: Mapping[str, Any], recorded_s: float = 0) -> Job:
    """Return the job that Ray's answer *found* describes, or a record of such an answer."""
    status = str(found.get("status", UNKNOWN))
    message = str(found.get("message") or "")
    if recorded_s and status not in ENDED:
        message, status = f"{status} when Ray was last asked", UNKNOWN
    return Job(
        str(found.get("submission_id") or found.get("job_id") or ""),
        status,
        str(found.get("entrypoint") or ""),
        message,
        (found.get("start_time") or 0) / MS,
        (found.get("end_time") or 0) / MS,
        found.get("driver_exit_code"),
        recorded_s,
    )


def checked(job: str) -> str:
    """Return the id *job*.

    Raises:
        OptionError: no job has such an id.
    """
    if not NAME.match(job):
        raise OptionError(f"{job!r} is no id of a job", hint="`jobs` lists them")
    return job
