"""Failures of a run by their cause: where each happened, and what was not run because of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.text import Text

from provision.errors import ProvisionError
from provision.model.result import NotRun, Run
from provision.report.text import counted, escape, listed, shortened

MAX_FAILURES = 20
MAX_HOSTS = 3
MAX_PLAYS = 8


@dataclass(slots=True)
class Failure:
    """One cause, on however many hosts.

    Attributes:
        text: the failure as one line, safe to show.
        hosts: where it happened; none if nothing failed, as after an interruption.
        not_run: what it blocked, by host.
    """

    text: str
    hosts: list[str] = field(default_factory=list)
    not_run: list[tuple[str, NotRun]] = field(default_factory=list)

    def lines(self) -> Iterator[Text]:
        """Yield a line for what happened and where, and one for what it blocked."""
        if self.hosts:
            hosts = listed(_unique(self.hosts), MAX_HOSTS)
            yield Text(hosts, "bold red").append(f": {self.text}", "red")
        if self.not_run:
            yield Text(self._blocked(), "magenta")

    def _blocked(self) -> str:
        cause = "  blocked by it" if self.hosts else f"blocked by {self.text}"
        plays = _unique([part.play for _, part in self.not_run])
        hosts = listed(_unique([host for host, _ in self.not_run]), MAX_HOSTS)
        steps = counted(sum(part.steps for _, part in self.not_run), "step")
        noun = "play" if len(plays) == 1 else "plays"
        return f"{cause}: {noun} {listed(plays, MAX_PLAYS)} on {hosts} ({steps})"


def failure_lines(run: Run) -> Iterator[Text]:
    """Yield the lines of all failures; their details may be far above."""
    found = failures(run)
    for failure in found[:MAX_FAILURES]:
        yield from failure.lines()
    if len(found) > MAX_FAILURES:
        yield Text(f"... and {len(found) - MAX_FAILURES} more failures", "red")


def failures(run: Run) -> list[Failure]:
    """Return each cause once, in the order of the hosts where it happened first."""
    found: dict[str, Failure] = {}
    causes: dict[tuple[str, str], str] = {}
    for host, play, text in _errors(run):
        found.setdefault(text, Failure(text)).hosts.append(host)
        causes.setdefault((host, play), text)
    for host, result in run.hosts.items():
        for part in result.not_run:
            by = part.by
            text = causes.get((by.host, by.play)) or escape(by.text)
            found.setdefault(text, Failure(text)).not_run.append((host, part))
    return list(found.values())


def _errors(run: Run) -> Iterator[tuple[str, str, str]]:
    """Yield the host, the play and the text of each failure."""
    for name, host in run.hosts.items():
        for step in host.steps:
            if step.error:
                where = f" ({step.where})" if step.where else ""
                label = escape(f"{step.step}{where}: ")
                yield name, step.play, label + _first_line(step.error)
        if host.error:
            yield name, host.failed_play, _first_line(host.error)


def _first_line(error: ProvisionError) -> str:
    if once := getattr(error, "once", ""):
        return escape(once)
    first = next(iter(error.message.splitlines()), "")
    return shortened(escape(first), 120)


def _unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))
