"""Events as lines of text that stay on the screen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from provision.errors import ProvisionError
from provision.model.change import Change
from provision.model.events import (
    CheckUnmet,
    Event,
    HostBlocked,
    HostConnected,
    HostFailed,
    HostProbed,
    HostRetrying,
    OutputLine,
    RunEnded,
    RunStarted,
    StepApplying,
    StepChanged,
    StepEvent,
    StepFailed,
    StepOk,
    StepOutdated,
    StepPlanned,
    StepWaiting,
    Warned,
)
from provision.model.mode import Mode
from provision.report.text import (
    change_line,
    clean_output,
    counted,
    duration,
    escape,
)

STYLES = {
    "ok": "green",
    "changed": "yellow",
    "would change": "cyan",
    "would wait": "cyan",
    "differs": "cyan",
    "FAILED": "bold red",
    "blocked": "magenta",
    "warning": "yellow",
}
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
"""Styles of a line of a diff, by its first character."""
MAX_NAME_WIDTH = 32
"""Width of the host column; longer names push their line to the right."""
MAX_CHANGES = 8
"""Changes shown for a changed step, unless verbose."""
QUANTUM_SAFE = "OpenSSH 9.9 and later have mlkem768x25519-sha256, which is one"
"""The advice for hosts whose recorded connections could be read some day."""
MIN_BODY_WIDTH = 30
"""Columns that the body of a line needs beside its head; with fewer it wraps below."""


@dataclass(frozen=True, slots=True)
class ConsoleLine:
    """One line: a head with the host and a keyword, and a body."""

    head: Text
    body: Text

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[Table | Text]:
        """Render; on a terminal, text that does not fit wraps within the body column."""
        room = options.max_width - self.head.cell_len
        if not console.is_terminal or room < MIN_BODY_WIDTH:
            yield self.head + self.body
            return
        grid = Table.grid()
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(self.head, self.body)
        yield grid


ConsoleLines = Iterator[ConsoleLine]


class EventFormatter:
    """Formats events as lines; each line begins with its host.

    Args:
        verbose: also format running steps, unchanged steps, their output, retries, and
            each play that is not run on a host; the summary has those by their cause.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._name_width = 0
        self._word_width = len("changed")
        self._planned, self._unmet = "would change", "would wait"
        self._verbose = verbose
        self._shown_once: set[str] = set()
        self._readable_later: list[str] = []
        self._formats: dict[type[Event], Callable[[Any], ConsoleLines]] = {
            RunStarted: self._started,
            Warned: self._warned,
            StepPlanned: self._step_planned,
            CheckUnmet: self._check_unmet,
            StepChanged: self._step_changed,
            StepFailed: self._step_failed,
            HostFailed: self._host_failed,
        }
        self._max_changes = MAX_CHANGES
        if verbose:
            self._max_changes = sys.maxsize
            self._formats |= {
                HostConnected: self._connected,
                RunEnded: self._ended,
                HostProbed: self._probed,
                HostRetrying: self._retrying,
                HostBlocked: self._blocked,
                StepOk: self._step_ok,
                StepApplying: self._applying,
                StepWaiting: self._waiting,
                StepOutdated: self._outdated,
                OutputLine: self._output,
            }

    def __call__(self, event: Event) -> ConsoleLines:
        """Yield the lines for *event*."""
        if formatter := self._formats.get(type(event)):
            yield from formatter(event)

    def _line(self, host: str, word: str, text: str, style: str = "") -> ConsoleLine:
        head = Text(f"{escape(host).ljust(self._name_width)}  ")
        head.append(word.ljust(self._word_width), STYLES.get(word, ""))
        return ConsoleLine(head.append("  "), Text(text, style))

    def _indented(
        self, host: str, texts: Iterable[str], style: str = ""
    ) -> ConsoleLines:
        for text in texts:
            line = self._line(host, "", text, style)
            line.head.append("  ")
            yield line

    def _started(self, event: RunStarted) -> ConsoleLines:
        longest = max((len(escape(name)) for name in event.steps), default=0)
        self._name_width = min(longest, MAX_NAME_WIDTH)
        if event.mode is Mode.VERIFY:
            self._planned = self._unmet = "differs"
        if event.mode is Mode.PLAN:
            self._word_width = len(self._planned)
        hosts = counted(len(event.steps), "host")
        steps = counted(sum(event.steps.values()), "step")
        plays = ", ".join(map(escape, event.plays))
        what = f"{event.mode.value} {escape(event.cluster)}".strip()
        text = Text(f"{what}: {hosts}, {steps} (plays: {plays})", "bold")
        yield ConsoleLine(Text(), text)

    def _warned(self, event: Warned) -> ConsoleLines:
        if event.host:
            yield self._line(event.host, "warning", escape(event.message))
        else:
            head = Text("warning: ", STYLES["warning"])
            yield ConsoleLine(head, Text(escape(event.message)))

    def _step_planned(self, event: StepPlanned) -> ConsoleLines:
        yield self._line(event.host, self._planned, escape(event.step))
        yield from self._indented(event.host, map(change_line, event.changes))
        if event.because:
            causes = ", ".join(map(escape, event.because))
            yield from self._indented(event.host, [f"because of {causes}"], "dim")
        yield from self._diff(event.host, event.diff)

    def _diff(self, host: str, lines: Sequence[str]) -> ConsoleLines:
        for line in lines:
            style = DIFF_STYLES.get(line[:1], "dim")
            yield from self._indented(host, [f"| {clean_output(line)}"], style)

    def _check_unmet(self, event: CheckUnmet) -> ConsoleLines:
        yield self._line(event.host, self._unmet, escape(event.step))
        yield from self._indented(event.host, map(change_line, event.left))

    def _step_changed(self, event: StepChanged) -> ConsoleLines:
        took = duration(event.seconds)
        yield self._line(event.host, "changed", f"{escape(event.step)} ({took})")
        yield from self._indented(event.host, _first(event.changes, self._max_changes))
        yield from self._diff(event.host, event.diff)

    def _step_failed(self, event: StepFailed) -> ConsoleLines:
        text = f"{escape(event.step)}  ({_location(event)})"
        yield self._line(event.host, "FAILED", text, "bold")
        message = map(escape, event.error.message.splitlines())
        yield from self._indented(event.host, message, "red")
        yield from self._advice(event.host, event.error)

    def _host_failed(self, event: HostFailed) -> ConsoleLines:
        once = getattr(event.error, "once", "")
        if once in self._shown_once and not self._verbose:
            return  # the summary lists all hosts with this error
        self._shown_once |= {once} - {""}
        message, *rest = map(escape, event.error.message.splitlines() or [""])
        yield self._line(event.host, "FAILED", message, "bold")
        yield from self._indented(event.host, rest, "red")
        if event.play:
            yield from self._indented(event.host, [f"in play {escape(event.play)}"])
        yield from self._advice(event.host, event.error)

    def _advice(self, host: str, error: ProvisionError) -> ConsoleLines:
        details = getattr(error, "details", ())
        yield from self._indented(
            host, (f"| {clean_output(line)}" for line in details), "dim"
        )
        if error.hint:
            yield from self._indented(host, [f"to do: {escape(error.hint)}"], "bold")

    def _blocked(self, event: HostBlocked) -> ConsoleLines:
        count, why = counted(event.steps, "step"), _because(event)
        text = f"play {event.play}: {count} not run, because {why}"
        yield self._line(event.host, "blocked", escape(text))

    def _connected(self, event: HostConnected) -> ConsoleLines:
        if not event.quantum_safe and event.host not in self._readable_later:
            self._readable_later.append(event.host)
        yield self._line(event.host, "", f"connected ({duration(event.seconds)})")

    def _ended(self, event: RunEnded) -> ConsoleLines:
        """Name the hosts of weak key exchange in one line, as ssh of OpenSSH 10 does."""
        if self._readable_later:
            hosts = ", ".join(map(escape, self._readable_later))
            text = Text(f"no post-quantum key exchange: {hosts}; {QUANTUM_SAFE}", "dim")
            yield ConsoleLine(Text(), text)

    def _probed(self, event: HostProbed) -> ConsoleLines:
        took, steps = duration(event.seconds), counted(event.steps, "step")
        yield self._line(event.host, "", f"probed {steps} ({took})")

    def _retrying(self, event: HostRetrying) -> ConsoleLines:
        reason = escape(event.reason)
        if event.lost:
            count = f"{event.attempt} of {event.most}"
            text = f"connection lost ({count}), probing again: {reason}"
        else:
            wait, next_one = duration(event.wait_s), event.attempt + 1
            count = f"try {next_one} of {event.most}"
            text = f"cannot connect, next {count} in {wait}: {reason}"
        yield self._line(event.host, "", text)

    def _step_ok(self, event: StepOk) -> ConsoleLines:
        yield self._line(event.host, "ok", escape(event.step))

    def _applying(self, event: StepApplying) -> ConsoleLines:
        yield self._line(event.host, "", f"applying {escape(event.step)}")

    def _outdated(self, event: StepOutdated) -> ConsoleLines:
        text = f"{escape(event.step)} is not as it was planned from: planning it anew"
        yield self._line(event.host, "", text)

    def _waiting(self, event: StepWaiting) -> ConsoleLines:
        left = ", ".join(map(change_line, event.left))
        yield self._line(event.host, "", f"waiting for {left}")

    def _output(self, event: OutputLine) -> ConsoleLines:
        yield from self._indented(event.host, [f"| {clean_output(event.line)}"], "dim")


def _because(event: HostBlocked) -> str:
    by = event.by
    if not by.play:
        return f"of {by}"
    return (
        f"play {by.play} failed on {by.host if by.host != event.host else 'this host'}"
    )


def _first(changes: Sequence[Change], limit: int) -> Iterator[str]:
    yield from map(change_line, changes[:limit])
    if len(changes) > limit:
        yield f"... and {len(changes) - limit} more (-v shows all)"


def _location(event: StepEvent) -> str:
    where = f", {escape(event.where)}" if event.where else ""
    return f"play {escape(event.play)}{where}"
