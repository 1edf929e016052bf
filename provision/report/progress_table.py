"""Live progress on a terminal: a line for each host with its current activity."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from provision.model.events import (
    CheckUnmet,
    Event,
    HostBlocked,
    HostConnected,
    HostEvent,
    HostFailed,
    HostProbed,
    HostRetrying,
    OutputLine,
    RunStarted,
    StepApplying,
    StepChanged,
    StepFailed,
    StepOk,
    StepPlanned,
    StepWaiting,
)
from provision.report.text import (
    change_line,
    clean_output,
    counted,
    duration,
    escape,
    shortened,
)

NAME_LENGTH = 24
RESERVED_LINES = 2
"""Lines of the terminal that stay free for the lines printed above the table."""
BUSY, FAILED, IDLE, NEW, DONE = range(5)
"""States of a host; the lowest are shown first where there is no room for all."""
STYLES = {BUSY: "yellow", FAILED: "red", IDLE: "", NEW: "dim", DONE: "green"}


@dataclass(slots=True, eq=False)
class Row:
    """One host: the number of finished steps, and the current activity.

    Attributes:
        running: the step that is applied in each play; plays of several lanes run at once.
        failure: the activity that failed; "" = none.
        since: when the current activity began, by the monotonic clock.
    """

    name: str
    steps: int
    finished: int = 0
    state: int = NEW
    activity: str = "connecting"
    output: str = ""
    failure: str = ""
    since: float = field(default_factory=time.monotonic)
    running: dict[str, str] = field(default_factory=dict)

    def start(self, state: int, activity: str) -> None:
        """Begin another activity; a host on which something failed ends as that."""
        if state == FAILED:
            self.failure = activity
        elif self.failure and state in {IDLE, DONE}:
            state, activity = FAILED, self.failure
        self.state, self.activity, self.output = state, activity, ""
        self.since = time.monotonic()

    def apply(self, event: StepApplying) -> None:
        """Begin to apply a step."""
        self.running[event.play] = escape(event.step)
        self.start(BUSY, ", ".join(self.running.values()))

    def finish_step(self, play: str) -> None:
        """Count a finished step; the next event names the next activity."""
        self.finished += 1
        self.running.pop(play, None)
        if self.state == FAILED:
            return
        if self.running:
            self.activity, self.output = ", ".join(self.running.values()), ""
        elif self.finished >= self.steps:
            self.start(DONE, "done")
        else:
            self.start(IDLE, "waiting for its turn")


class ProgressTable:
    """All hosts of a run as a renderable that fits the terminal; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._started = time.monotonic()
        self._updates: dict[type[Event], Callable[[Row, Any], None]] = {
            HostConnected: lambda row, _: row.start(IDLE, "probing"),
            HostRetrying: self._retrying,
            HostProbed: self._probed,
            HostFailed: lambda row, e: row.start(FAILED, escape(e.error.message)),
            HostBlocked: self._blocked,
            StepOk: lambda row, e: row.finish_step(e.play),
            StepPlanned: lambda row, e: row.finish_step(e.play),
            CheckUnmet: lambda row, e: row.finish_step(e.play),
            StepChanged: lambda row, e: row.finish_step(e.play),
            StepApplying: lambda row, e: row.apply(e),
            StepWaiting: self._waiting,
            StepFailed: self._failed,
            OutputLine: self._output,
        }

    def __call__(self, event: Event) -> None:
        """Update the row of the event's host."""
        with self._lock:
            if isinstance(event, RunStarted):
                self._rows = {name: Row(name, n) for name, n in event.steps.items()}
            elif isinstance(event, HostEvent):
                row = self._rows.setdefault(event.host, Row(event.host, 0))
                self._updates.get(type(event), _ignore)(row, event)

    def _retrying(self, row: Row, event: HostRetrying) -> None:
        row.start(BUSY, f"connecting again: {escape(event.reason)}")

    def _probed(self, row: Row, event: HostProbed) -> None:
        # A step that settles is probed repeatedly while it is still being applied.
        if row.state != BUSY:
            row.start(IDLE, "waiting for its turn")

    def _blocked(self, row: Row, event: HostBlocked) -> None:
        row.finished += event.steps
        if row.state != FAILED and not row.running:
            row.start(DONE, "blocked")

    def _waiting(self, row: Row, event: StepWaiting) -> None:
        row.output = "waiting for " + ", ".join(map(change_line, event.left))

    def _failed(self, row: Row, event: StepFailed) -> None:
        row.finished += 1
        row.running.pop(event.play, None)
        row.start(FAILED, f"{escape(event.step)} failed")

    def _output(self, row: Row, event: OutputLine) -> None:
        row.output = clean_output(event.line) or row.output

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[Table | Text]:
        with self._lock:
            shown, hidden = self._choose(console.height - RESERVED_LINES)
            yield self._table(shown)
            if hidden:
                yield Text(f"... and {hidden} more", "dim")
            yield self._counts()

    def _choose(self, room: int) -> tuple[list[Row], int]:
        """Return the rows that fit *room* lines, in inventory order, and the number hidden."""
        rows = list(self._rows.values())
        if len(rows) + 1 <= room:
            return rows, 0
        room = max(room - 2, 1)
        first = sorted(rows, key=lambda row: row.state)[:room]
        return [row for row in rows if row in first], len(rows) - len(first)

    def _table(self, rows: list[Row]) -> Table:
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        now = time.monotonic()
        for row in rows:
            name = shortened(escape(row.name), NAME_LENGTH)
            took = f"{now - row.since:.0f} s" if row.state in {BUSY, IDLE} else ""
            activity = Text(row.activity, STYLES[row.state])
            if row.output:
                activity.append(f"  {row.output}", "dim")
            table.add_row(Text(name), f"{row.finished}/{row.steps}", took, activity)
        return table

    def _counts(self) -> Text:
        states = [row.state for row in self._rows.values()]
        took = duration(time.monotonic() - self._started)
        text = f"{states.count(DONE)} of {counted(len(states), 'host')} done"
        if failed := states.count(FAILED):
            text += f", {failed} failed"
        return Text(f"{text}, {took}", "bold")


def _ignore(row: Row, event: Event) -> None:
    """Leave *row* as it is."""
