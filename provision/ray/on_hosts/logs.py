"""Logs of hosts: Ray's, those of the programs beside it, and the system's."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Unpack

from provision.config.inventory import Host, Inventory
from provision.engine.each_host import Results, on_each
from provision.engine.run import FORKS, ClusterOptions, Hosts, load_inventory
from provision.errors import ConnectionLost, HostError, OptionError
from provision.model.framing import PRELUDE
from provision.model.script import Script
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.ray.on_hosts.places import data_dir, ray_place
from provision.ray.on_hosts.selection import chosen
from provision.transport.protocol import Transport
from provision.transport.retry import connect_with_retry

LOGS = read_shell(__file__, "logs.sh")
UNITS = {
    "docker": "docker.service containerd.service",
    "prometheus": "provision-prometheus.service provision-node-exporter.service",
    "grafana": "provision-grafana.service",
    "system": "",
}
"""The logs that are in the journal, and the units that write them; "" = all."""
KINDS = ("ray", "worker", "gcs", *UNITS)
AGE = re.compile(r"(\d{1,9})([smhd])\Z")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_LINE = 64 * 1024
LOSSES = 20
"""Lost connections after which a host is no longer followed."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log.

    Attributes:
        host: the host it is of.
        of: the log, one of KINDS.
        text: the line.
    """

    host: str
    of: str
    text: str


def age_s(text: str) -> int:
    """Return the seconds in *text*, such as 30s, 10m, 2h or 3d.

    Raises:
        OptionError: it has another form.
    """
    found = AGE.match(text)
    if not found:
        raise OptionError(f"{text!r} is no age", hint="write 30s, 10m, 2h or 3d")
    return int(found[1]) * SECONDS[found[2]]


def check_kinds(of: Sequence[str]) -> None:
    """Check that each of *of* is one of KINDS.

    Raises:
        OptionError: one is not.
    """
    for kind in of:
        if kind not in KINDS:
            raise OptionError(
                f"there is no log {kind!r}", hint=f"one of {', '.join(KINDS)}"
            )


def logs(
    inventory: Hosts,
    take: Callable[[LogLine], object],
    *,
    limit: str = "",
    of: Sequence[str] = ("ray",),
    lines: int = 50,
    since: str = "",
    follow: bool = False,
    **options: Unpack[ClusterOptions],
) -> Results[None]:
    """Hand the lines of logs to *take*, as they come, never two at a time.

    Args:
        inventory: the cluster.
        take: called with each line, from several threads in turn.
        limit: a pattern; only these hosts.
        of: which logs, of KINDS.
        lines: how many of the last lines of each.
        since: an age, such as 10m, in place of a number of lines.
        follow: go on until a person interrupts it.
        options: `sets`, `forks`, `credentials`.

    Raises:
        InputErrors: inventory, pattern or options are wrong.
    """
    cluster = load_inventory(inventory, options)
    check_kinds(of)
    since_s = age_s(since) if since else 0
    script = _scripts(cluster, options, follow=follow)
    one_at_a_time, stopped = threading.Lock(), threading.Event()

    def pass_on(line: LogLine) -> None:
        with one_at_a_time:
            take(line)

    def on_one(host: Host, connection: Transport) -> None:
        wanted = [
            (kind, script(kind, since_s, lines), script(kind, 0, 0)) for kind in of
        ]
        _Host(host, connection, pass_on, stopped, follow=follow).read(wanted)

    forks = options.get("forks", FORKS)
    return on_each(chosen(cluster, limit), on_one, forks=forks, stopped=stopped)


def _scripts(
    cluster: Inventory, options: ClusterOptions, *, follow: bool
) -> Callable[[str, int, int], Sh]:
    """Return a function of a log, the age of its lines, and their number."""
    sets = options.get("sets", {})
    folder, place = data_dir(cluster, sets), ray_place(cluster, sets)
    units_of = {**UNITS, "ray": f"provision-ray-{cluster.cluster}.service"}

    def script(kind: str, since_s: int, lines: int) -> Sh:
        about = {"of": kind, "data_dir": folder, "units": units_of.get(kind, "")}
        about |= {"container": place.container, "process": place.folder}
        return Sh.of(LOGS, lines=lines, since_s=since_s, follow=follow, **about)

    return script


class _Host:
    """The logs of one host, each read by a script of its own."""

    def __init__(
        self,
        host: Host,
        connection: Transport,
        take: Callable[[LogLine], None],
        stopped: threading.Event,
        *,
        follow: bool,
    ) -> None:
        self._host, self._connection = host, connection
        self._take, self._follow, self._stopped = take, follow, stopped
        self._opening = threading.Lock()
        self._opened = 0

    def read(self, logs: Sequence[tuple[str, Sh, Sh]]) -> None:
        """Read all *logs* at once: kind, script, and the one after a lost connection."""
        errors: list[HostError] = []

        def one(kind: str, sh: Sh, again: Sh) -> None:
            try:
                self._one(kind, sh, again)
            except HostError as error:
                errors.append(error)

        threads = [threading.Thread(target=one, args=log, daemon=True) for log in logs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _one(self, kind: str, sh: Sh, again: Sh) -> None:
        losses = 0
        while True:
            opened = self._opened
            try:
                return self._run(kind, sh)
            except ConnectionLost:
                losses += 1
                if not self._follow or losses > LOSSES or self._stopped.is_set():
                    raise
                self._reopen(opened)
                sh = again

    def _reopen(self, opened: int) -> None:
        with self._opening:
            if opened == self._opened:
                self._connection.close()
                connect_with_retry(self._connection, lambda *about: None)
                self._opened += 1

    def _run(self, kind: str, sh: Sh) -> None:
        errors = bytearray()
        text = f"{{\n{PRELUDE}\nset -u\n(\n{sh.render()}\n) </dev/null\nexit\n}}\n"
        lines = _Lines(lambda line: self._take(LogLine(self._host.name, kind, line)))
        script = Script(
            text, become=self._host.become, stdout=lines, stderr=errors.extend
        )
        code = self._connection.run(script)
        lines.end()
        if code:
            why = errors.decode(errors="replace").strip().splitlines() or ["no reason"]
            raise HostError(f"{self._host.name}: {why[-1]}", details=why[:-1][-5:])


class _Lines:
    """A sink that divides a stream into lines."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take, self._held = take, b""

    def __call__(self, data: bytes) -> None:
        *whole, self._held = (self._held + data).split(b"\n")
        for line in self._cut(whole):
            self._take(line)

    def _cut(self, whole: list[bytes]) -> Iterator[str]:
        for line in whole:
            yield line[:LONGEST_LINE].decode(errors="replace")
        if len(self._held) > LONGEST_LINE:
            yield self._held.decode(errors="replace")
            self._held = b""

    def end(self) -> None:
        """Pass on a last line that has no end."""
        if self._held:
            self._take(self._held.decode(errors="replace"))
            self._held = b""
