"""A run on the console: lines that stay, and on a terminal live progress below."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import TextIO

from rich.console import Console, RenderableType
from rich.table import Table

from provision.model.events import Event, RunEnded
from provision.model.result import Run
from provision.report.event_lines import EventFormatter
from provision.report.live_display import LiveDisplay
from provision.report.progress_table import ProgressTable
from provision.report.summary import summary

PLAIN_WIDTH = 200
"""Columns of what is no terminal: enough for any table."""


class Output(Console):
    """Where people read; when its reader goes away, the run still goes on."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())

    def tell(self, *things: RenderableType) -> None:
        """Print, and leave the breaking of long lines to the terminal."""
        for thing in things:
            self.print(thing, soft_wrap=isinstance(thing, str), highlight=False)


def output(stream: TextIO | None = None) -> Output:
    """The console of *stream*, standard output by default."""
    stream = stream or sys.stdout
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    terminal = stream.isatty()
    return Output(
        file=stream,
        # Said outright, since FORCE_COLOR would move the cursor in a log file.
        force_terminal=terminal,
        width=None if terminal else PLAIN_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
    )


class ConsoleReporter:
    """Shows a run while it goes on, and its summary when it is over.

    Args:
        console: where.
        verbose: also show what runs, what is as it should be, and retries.
        then: the command that does what a plan has found.
    """

    def __init__(
        self, console: Console, *, verbose: bool = False, then: str = ""
    ) -> None:
        self._console = console
        self._then = then
        self._tell = EventFormatter(verbose=verbose)
        self._run = Run()
        self._board = ProgressTable()
        self._live: LiveDisplay | None = None

    def __enter__(self) -> ConsoleReporter:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = LiveDisplay(self._board, self._console)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._run(event)
        self._board(event)
        for line in self._tell(event):
            self._print(line)
        if isinstance(event, RunEnded):
            self._stop()
            for part in summary(self._run, then=self._then):
                self._print(part)

    def _print(self, part: RenderableType) -> None:
        """Print *part*; only a terminal is given broken lines."""
        if self._live:
            self._live.tell(part)
            return
        whole = not self._console.is_terminal and not isinstance(part, Table)
        self._console.print(part, soft_wrap=whole)

    def _stop(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None
