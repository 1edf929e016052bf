"""The output of a job, read from its file on the host where it runs."""

from __future__ import annotations

import codecs
import contextlib
import time
from collections.abc import Callable
from typing import Any, Unpack
from urllib.parse import urlsplit

from provision.config.inventory import Host, Inventory
from provision.engine.run import ClusterOptions, Hosts, load_inventory
from provision.errors import (
    ConnectError,
    ConnectionLost,
    HostError,
    OptionError,
    RefusedError,
)
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.ray.head import head_of
from provision.ray.jobs.dashboard import Head, connected, read
from provision.ray.jobs.job import ENDED, UNKNOWN, Job, checked, job_of
from provision.ray.jobs.records import recorded_jobs
from provision.ray.on_hosts.places import ray_nodes
from provision.transport.connect import transport
from provision.transport.protocol import InteractiveTransport
from provision.transport.retry import connect_with_retry
from provision.transport.streaming import FirstLine

JOB_LOG = read_shell(__file__, "job_log.sh")
NONE, PAST = "none", "past"
"""Places of a log: there is none, or it is of an earlier session of Ray."""
OVER = ENDED | {UNKNOWN}
"""Status of jobs of which nothing more is to come."""
POLL_S = 1.0
LOST_S = 120.0
"""Seconds without an answer of Ray's after which a job is no longer followed."""


def job_logs(
    inventory: Hosts,
    job: str,
    take: Callable[[str], object],
    *,
    follow: bool = False,
    note: Callable[[str], object] = lambda text: None,
    **options: Unpack[ClusterOptions],
) -> Job:
    """Hand the output of a job to *take*; return the job as it is at the end.

    Args:
        inventory: the cluster.
        job: its id.
        take: called with each part of its output, as it comes.
        follow: until it ends, also over a lost connection or a restart of Ray.
        note: called with a line where Ray does not answer, or has forgotten the job.
        options: `sets`, `credentials`.

    Raises:
        OptionError: neither Ray nor a record has such a job.
        HostError: the head cannot be reached; to follow, for LOST_S seconds.
    """
    cluster = load_inventory(inventory, options)
    nodes = ray_nodes(cluster, options.get("sets", {}))
    log = _Log(cluster, checked(job), nodes.data_dir, take)
    following = _Following(log, note, follow=follow)
    with contextlib.closing(log):
        while True:
            try:
                with connected(head_of(cluster), nodes) as head:
                    return following.on(head)
            except (ConnectError, ConnectionLost) as error:
                if not follow:
                    raise
                following.lost(error)
                log.close()
                time.sleep(POLL_S)


class _Log:
    """The log of one job, of which each byte is fetched once."""

    def __init__(
        self,
        cluster: Inventory,
        job: str,
        data_dir: str,
        take: Callable[[str], object],
    ) -> None:
        self.job = job
        self._cluster, self._data_dir, self._take = cluster, data_dir, take
        # A character may be cut in two between two looks.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._offset = 0
        self._place = ""
        self._links: dict[str, InteractiveTransport] = {}

    def read(self, head: Head, info: dict[str, Any]) -> str:
        """Fetch what is new of the log; return its place, as `job_log.sh` calls it."""
        host = self._host(info)
        if host is None or host.name == head.name:
            place, _ = self._fetch(head.read)
        else:
            link = self._link(host)
            place, _ = self._fetch(lambda sh, take: read(host, link, sh, take))
            if place == NONE:  # its Ray is gone; the head may have a copy
                place, _ = self._fetch(head.read)
        return place

    def _fetch(self, run: Callable[[Sh, Any], None]) -> tuple[str, int]:
        first = FirstLine(self._took)
        about = {"data_dir": self._data_dir, "job": self.job}
        run(Sh.of(JOB_LOG, offset=self._offset, **about), first)
        place, _, size = (first.line or "none 0").partition(" ")
        return place, int(size)

    def _took(self, data: bytes) -> None:
        self._offset += len(data)
        if text := self._decoder.decode(data):
            self._take(text)

    def _host(self, info: dict[str, Any]) -> Host | None:
        """Return the host that the job's command runs on; None if that is not known."""
        address = urlsplit(str(info.get("driver_agent_http_address") or "")).hostname
        for host in self._cluster.hosts.values():
            if address and host.address == address:
                return host
        return None

    def _link(self, host: Host) -> InteractiveTransport:
        if host.name not in self._links:
            self._links[host.name] = transport(host)
            connect_with_retry(self._links[host.name], lambda *about: None)
        return self._links[host.name]

    def close(self) -> None:
        """Close the connections to other hosts than the head."""
        for link in self._links.values():
            link.close()
        self._links.clear()


class _Following:
    """The follow of one job, over several connections where one is lost."""

    def __init__(
        self, log: _Log, note: Callable[[str], object], *, follow: bool
    ) -> None:
        self._log, self._note, self._follow = log, note, follow
        self._answered_s = time.monotonic()
        self._silent = self._was_silent = False
        self._info: dict[str, Any] = {}

    def on(self, head: Head) -> Job:
        """Follow the job over one connection, until it ends."""
        while True:
            found = self._ask(head)
            place = self._log.read(head, self._info)
            if found is not None and found.status in OVER:
                if place == NONE and found.recorded_s:
                    self._note(f"job {found.id}: none of its output is kept")
                return found
            if found is not None and not self._follow:
                return found
            if found is not None and (self._was_silent or place == PAST):
                self._look_after(head)
            time.sleep(POLL_S)

    def _ask(self, head: Head) -> Job | None:
        """Return the job, from a record if Ray does not know it; None if it is silent."""
        job = self._log.job
        try:
            self._info = head.ask("GET", f"/api/jobs/{job}")
        except OptionError as error:
            return self._recorded(head, error)
        except (ConnectionLost, RefusedError):
            raise
        except HostError as error:
            if self._follow:
                self.lost(error)
                return None
            return self._recorded(head, error)
        self._answered_s, self._silent = time.monotonic(), False
        return job_of(self._info)

    def _look_after(self, head: Head) -> None:
        """Have Ray look after jobs that an earlier session left.

        Its agent begins to when it is asked about one; until then they are RUNNING.
        """
        with contextlib.suppress(OptionError, HostError):
            head.ask("GET", f"/api/jobs/{self._log.job}/logs")
            self._was_silent = False

    def _recorded(self, head: Head, error: OptionError | HostError) -> Job:
        """Return the job as it was recorded; raise *error* if it is in no record."""
        for job in recorded_jobs(head):
            if job.id == self._log.job:
                return job
        if self._info:
            return Job(
                self._log.job,
                UNKNOWN,
                str(self._info.get("entrypoint", "")),
                "a new Ray, which does not know it, has replaced the one it ran in",
            )
        raise error

    def lost(self, error: HostError) -> None:
        """Say once that Ray is silent; raise *error* when it has been for LOST_S seconds."""
        if time.monotonic() - self._answered_s > LOST_S:
            raise error
        if not self._silent:
            self._note(
                f"{error.message}: waiting for it, {LOST_S:.0f} s at most; job "
                f"{self._log.job} is followed when it answers"
            )
        self._silent = self._was_silent = True
