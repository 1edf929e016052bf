"""The moving part of a terminal: a line for each host with what it does now."""

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
SPARE_LINES = 2
"""Lines of the terminal that stay free for what was printed above."""
BUSY, FAILED, IDLE, NEW, DONE = range(5)
"""What a host is up to; the lowest are shown where there is no room for all."""
STYLES = {BUSY: "yellow", FAILED: "red", IDLE: "", NEW: "dim", DONE: "green"}


@dataclass(slots=True, eq=False)
class Row:
    """One host: how many of its steps are over, and what it does now."""

    name: str
    steps: int
    over: int = 0
    stage: int = NEW
    doing: str = "connecting"
    output: str = ""
    since: float = field(default_factory=time.monotonic)

    def now(self, stage: int, doing: str) -> None:
        """Begin with something else."""
        self.stage, self.doing, self.output = stage, doing, ""
        self.since = time.monotonic()

    def rest(self) -> None:
        """A step is over; what comes next will say so itself."""
        self.over += 1
        if self.over >= self.steps and self.stage != FAILED:
            self.now(DONE, "done")
        elif self.stage != FAILED:
            self.now(IDLE, "waits for its turn")


class ProgressTable:
    """All hosts of a run as a renderable that fits the terminal; safe to share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._started = time.monotonic()
        self._takes: dict[type[Event], Callable[[Row, Any], None]] = {
            HostConnected: lambda row, _: row.now(IDLE, "is looked at"),
            HostRetrying: self._retrying,
            HostProbed: self._probed,
            HostFailed: lambda row, e: row.now(FAILED, escape(e.error.message)),
            HostBlocked: self._blocked,
            StepOk: lambda row, _: row.rest(),
            StepPlanned: lambda row, _: row.rest(),
            StepChanged: lambda row, _: row.rest(),
            StepApplying: lambda row, e: row.now(BUSY, escape(e.step)),
            StepWaiting: self._waiting,
            StepFailed: self._failed,
            OutputLine: self._output,
        }

    def __call__(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            if isinstance(event, RunStarted):
                self._rows = {name: Row(name, n) for name, n in event.steps.items()}
            elif isinstance(event, HostEvent):
                row = self._rows.setdefault(event.host, Row(event.host, 0))
                self._takes.get(type(event), _nothing)(row, event)

    def _retrying(self, row: Row, event: HostRetrying) -> None:
        row.now(BUSY, f"connects again: {escape(event.reason)}")

    def _probed(self, row: Row, event: HostProbed) -> None:
        # A step that settles is looked at again and again; it goes on.
        if row.stage != BUSY:
            row.now(IDLE, "waits for its turn")

    def _blocked(self, row: Row, event: HostBlocked) -> None:
        row.over += event.steps
        if row.stage != FAILED:
            row.now(DONE, "blocked")

    def _waiting(self, row: Row, event: StepWaiting) -> None:
        row.output = "waits for " + ", ".join(map(change_line, event.left))

    def _failed(self, row: Row, event: StepFailed) -> None:
        row.over += 1
        row.now(FAILED, f"{escape(event.step)} failed")

    def _output(self, row: Row, event: OutputLine) -> None:
        row.output = clean_output(event.line) or row.output

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[Table | Text]:
        with self._lock:
            shown, hidden = self._choose(console.height - SPARE_LINES)
            yield self._table(shown)
            if hidden:
                yield Text(f"... and {hidden} more", "dim")
            yield self._counts()

    def _choose(self, room: int) -> tuple[list[Row], int]:
        """Rows for *room* lines, in the inventory's order, and how many are hidden."""
        rows = list(self._rows.values())
        if len(rows) + 1 <= room:
            return rows, 0
        room = max(room - 2, 1)
        first = sorted(rows, key=lambda row: row.stage)[:room]
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
            took = f"{now - row.since:.0f} s" if row.stage in {BUSY, IDLE} else ""
            doing = Text(row.doing, STYLES[row.stage])
            if row.output:
                doing.append(f"  {row.output}", "dim")
            table.add_row(Text(name), f"{row.over}/{row.steps}", took, doing)
        return table

    def _counts(self) -> Text:
        stages = [row.stage for row in self._rows.values()]
        took = duration(time.monotonic() - self._started)
        said = f"{stages.count(DONE)} of {counted(len(stages), 'host')} done"
        if failed := stages.count(FAILED):
            said += f", {failed} failed"
        return Text(f"{said}, {took}", "bold")


def _nothing(row: Row, event: Event) -> None:
    """Leave *row* as it is."""
