"""What each event says to a person, as lines that stay on the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from provision.errors import ProvisionError
from provision.model.change import Change
from provision.model.events import (
    Event,
    HostBlocked,
    HostConnected,
    HostFailed,
    HostProbed,
    HostRetrying,
    OutputLine,
    RunStarted,
    StepApplying,
    StepChanged,
    StepEvent,
    StepFailed,
    StepOk,
    StepPlanned,
    StepWaiting,
    Warned,
)
from provision.report.text import (
    change_line,
    clean_output,
    counted,
    duration,
    escape,
    listed,
)

STYLES = {
    "ok": "green",
    "changed": "yellow",
    "would change": "cyan",
    "differs": "cyan",
    "FAILED": "bold red",
    "blocked": "magenta",
    "warning": "yellow",
}
LONGEST_NAME = 32
"""Wider host names push their line to the right."""
MOST_CHANGES = 8
"""Changes shown of a step that was changed, unless everything is asked for."""
NARROW = 30
"""With fewer columns left for it, the body of a line goes on below the head."""
TOGETHER = 4
"""So many hosts blocked by one cause share a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line: whom it is about, and what it says."""

    head: Text
    body: Text

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[Table | Text]:
        """On a terminal, what does not fit goes on below *body*, not below *head*."""
        room = options.max_width - self.head.cell_len
        if not console.is_terminal or room < NARROW:
            yield self.head + self.body
            return
        grid = Table.grid()
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(self.head, self.body)
        yield grid


Lines = Iterator[Line]


class EventFormatter:
    """Tells events as lines; one line begins with the host it is about.

    Args:
        verbose: also tell what runs, what is as it should be, and retries.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._name_width = 0
        self._word_width = len("changed")
        self._planned = "would change"
        self._verbose = verbose
        self._told: set[str] = set()
        self._blocked: list[HostBlocked] = []
        self._tells: dict[type[Event], Callable[[Any], Lines]] = {
            RunStarted: self._started,
            Warned: self._warned,
            StepPlanned: self._step_planned,
            StepChanged: self._step_changed,
            StepFailed: self._step_failed,
            HostFailed: self._host_failed,
        }
        self._most = MOST_CHANGES
        if verbose:
            self._most = 10_000
            self._tells |= {
                HostConnected: self._connected,
                HostProbed: self._probed,
                HostRetrying: self._retrying,
                StepOk: self._step_ok,
                StepApplying: self._applying,
                StepWaiting: self._waiting,
                OutputLine: self._output,
            }

    def __call__(self, event: Event) -> Lines:
        """The lines that *event* is worth; blocked hosts are told together."""
        if isinstance(event, HostBlocked):
            if self._blocked and not _alike(event, self._blocked[0]):
                yield from self._all_blocked()
            self._blocked.append(event)
            return
        yield from self._all_blocked()
        if tell := self._tells.get(type(event)):
            yield from tell(event)

    def _line(self, host: str, word: str, text: str, style: str = "") -> Line:
        head = Text(f"{escape(host).ljust(self._name_width)}  ")
        head.append(word.ljust(self._word_width), STYLES.get(word, ""))
        return Line(head.append("  "), Text(text, style))

    def _below(self, host: str, texts: Iterable[str], style: str = "") -> Lines:
        for text in texts:
            line = self._line(host, "", text, style)
            line.head.append("  ")
            yield line

    def _started(self, event: RunStarted) -> Lines:
        longest = max((len(escape(name)) for name in event.steps), default=0)
        self._name_width = min(longest, LONGEST_NAME)
        if event.verb == "verify":
            self._planned = "differs"
        if event.verb == "plan":
            self._word_width = len(self._planned)
        hosts = counted(len(event.steps), "host")
        steps = counted(sum(event.steps.values()), "step")
        plays = ", ".join(map(escape, event.plays))
        what = f"{event.verb} {escape(event.cluster)}".strip()
        text = Text(f"{what}: {hosts}, {steps} (plays: {plays})", "bold")
        yield Line(Text(), text)

    def _warned(self, event: Warned) -> Lines:
        if event.host:
            yield self._line(event.host, "warning", escape(event.message))
        else:
            head = Text("warning: ", STYLES["warning"])
            yield Line(head, Text(escape(event.message)))

    def _step_planned(self, event: StepPlanned) -> Lines:
        yield self._line(event.host, self._planned, escape(event.step))
        yield from self._below(event.host, map(change_line, event.changes))

    def _step_changed(self, event: StepChanged) -> Lines:
        took = duration(event.seconds)
        yield self._line(event.host, "changed", f"{escape(event.step)} ({took})")
        yield from self._below(event.host, _first(event.changes, self._most))

    def _step_failed(self, event: StepFailed) -> Lines:
        text = f"{escape(event.step)}  ({_place(event)})"
        yield self._line(event.host, "FAILED", text, "bold")
        message = map(escape, event.error.message.splitlines())
        yield from self._below(event.host, message, "red")
        yield from self._why(event.host, event.error)

    def _host_failed(self, event: HostFailed) -> Lines:
        once = getattr(event.error, "once", "")
        if once in self._told and not self._verbose:
            return  # the summary has all hosts it is about
        self._told |= {once} - {""}
        message, *rest = map(escape, event.error.message.splitlines() or [""])
        yield self._line(event.host, "FAILED", message, "bold")
        yield from self._below(event.host, rest, "red")
        if event.play:
            yield from self._below(event.host, [f"in play {escape(event.play)}"])
        yield from self._why(event.host, event.error)

    def _why(self, host: str, error: ProvisionError) -> Lines:
        details = getattr(error, "details", ())
        yield from self._below(
            host, (f"| {clean_output(line)}" for line in details), "dim"
        )
        if error.hint:
            yield from self._below(host, [f"to do: {escape(error.hint)}"], "bold")

    def _all_blocked(self) -> Lines:
        blocked, self._blocked = self._blocked, []
        if len(blocked) < TOGETHER:
            for event in blocked:
                yield self._line(event.host, "blocked", _because(event, event.steps))
            return
        hosts = listed(list(dict.fromkeys(event.host for event in blocked)))
        steps = sum(event.steps for event in blocked)
        yield self._line(hosts, "blocked", _because(blocked[0], steps))

    def _connected(self, event: HostConnected) -> Lines:
        yield self._line(event.host, "", f"connected ({duration(event.seconds)})")

    def _probed(self, event: HostProbed) -> Lines:
        took, steps = duration(event.seconds), counted(event.steps, "step")
        yield self._line(event.host, "", f"looked at {steps} ({took})")

    def _retrying(self, event: HostRetrying) -> Lines:
        reason = escape(event.reason)
        if event.lost:
            text = (
                f"loss {event.attempt} of at most {event.most}, looks again: {reason}"
            )
        else:
            wait, next_one = duration(event.wait_s), event.attempt + 1
            text = (
                f"connects again in {wait} (try {next_one} of {event.most}): {reason}"
            )
        yield self._line(event.host, "", text)

    def _step_ok(self, event: StepOk) -> Lines:
        yield self._line(event.host, "ok", escape(event.step))

    def _applying(self, event: StepApplying) -> Lines:
        yield self._line(event.host, "", f"changes {escape(event.step)}")

    def _waiting(self, event: StepWaiting) -> Lines:
        left = ", ".join(map(change_line, event.left))
        yield self._line(event.host, "", f"waits for {left}")

    def _output(self, event: OutputLine) -> Lines:
        yield from self._below(event.host, [f"| {clean_output(event.line)}"], "dim")


def _alike(one: HostBlocked, other: HostBlocked) -> bool:
    return (one.play, one.by) == (other.play, other.by)


def _because(event: HostBlocked, steps: int) -> str:
    count = counted(steps, "step")
    own = event.by.removeprefix(f"{event.host} in ")
    why = f"of {event.by}" if own == event.by else f"play {own} failed here"
    return f"play {escape(event.play)}: {count} not run, because {escape(why)}"


def _first(changes: Sequence[Change], most: int) -> Iterator[str]:
    yield from map(change_line, changes[:most])
    if len(changes) > most:
        yield f"... and {len(changes) - most} more (-v shows all)"


def _place(event: StepEvent) -> str:
    where = f", {escape(event.where)}" if event.where else ""
    return f"play {escape(event.play)}{where}"
