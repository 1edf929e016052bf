"""A run on the console: permanent lines, and live progress below them on a terminal."""

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
"""Columns assumed where output is not a terminal: enough for any table."""


class Output(Console):
    """Console for people; a run continues when the reader of its output has closed it."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())

    def show(self, *parts: RenderableType) -> None:
        """Print each part; long lines are left for the terminal to wrap."""
        for part in parts:
            self.print(part, soft_wrap=isinstance(part, str), highlight=False)


def output(stream: TextIO | None = None) -> Output:
    """Return a console that writes to *stream*, by default standard output."""
    stream = stream or sys.stdout
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
    terminal = stream.isatty()
    return Output(
        file=stream,
        # Explicit, because FORCE_COLOR would put cursor movements into a log file.
        force_terminal=terminal,
        width=None if terminal else PLAIN_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
    )


class ConsoleReporter:
    """Reporter that shows a run as it happens, and its summary at the end.

    Args:
        console: receives everything.
        verbose: also show running steps, unchanged steps, their output and retries.
        then: the command that makes the changes a plan has listed.
    """

    def __init__(
        self, console: Console, *, verbose: bool = False, then: str = ""
    ) -> None:
        self._console = console
        self._then = then
        self._lines = EventFormatter(verbose=verbose)
        self._result = Run()
        self._progress = ProgressTable()
        self._live: LiveDisplay | None = None

    def follow(self, result: Run) -> None:
        """Take *result* of the run that begins, for the summary."""
        self._result = result

    def __enter__(self) -> ConsoleReporter:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = LiveDisplay(self._progress, self._console)
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
        """Show one event."""
        self._progress(event)
        for line in self._lines(event):
            self._print(line)
        if isinstance(event, RunEnded):
            self._stop()
            for part in summary(self._result, then=self._then):
                self._print(part)

    def _print(self, part: RenderableType) -> None:
        """Print *part*; lines are wrapped only on a terminal."""
        if self._live:
            self._live.print_above(part)
            return
        unwrapped = not self._console.is_terminal and not isinstance(part, Table)
        self._console.print(part, soft_wrap=unwrapped)

    def _stop(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None
