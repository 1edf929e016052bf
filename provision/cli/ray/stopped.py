"""Words about nodes that were stopped on purpose, which no single host can say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provision.model.result import Run


def show_stopped(run: Run) -> None:
    """Show which nodes *run* has left stopped, since a person wanted that."""
    from provision.ray.stopped.stopped import stopped_in, stopped_lines
    from provision.report.console import output

    if lines := [*stopped_lines(stopped_in(run))]:
        output().show("", *lines)
