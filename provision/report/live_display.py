"""Lines above the progress table, printed in groups: each print draws the table anew."""

from __future__ import annotations

from collections import deque

from rich.console import Console, Group, RenderableType
from rich.live import Live

REFRESHES_PER_SECOND = 5
MAX_PENDING = 200
"""Lines kept for the next refresh; one more, and all are printed at once."""


class LiveDisplay(Live):
    """A renderable at the bottom of a terminal, and lines printed above it.

    Args:
        progress: drawn a few times a second.
        console: the terminal.
    """

    def __init__(self, progress: RenderableType, console: Console) -> None:
        super().__init__(
            progress,
            console=console,
            transient=True,
            refresh_per_second=REFRESHES_PER_SECOND,
        )
        self._pending: deque[RenderableType] = deque()

    def print_above(self, part: RenderableType) -> None:
        """Print *part* above the progress, with the next refresh at the latest."""
        self._pending.append(part)
        if len(self._pending) >= MAX_PENDING:
            self._flush()

    def refresh(self) -> None:
        """Print what is pending, or draw the progress if nothing is."""
        if not self._flush():
            super().refresh()

    def stop(self) -> None:
        """Print what is pending, and remove the progress from the screen."""
        self._flush()
        super().stop()

    def _flush(self) -> bool:
        parts = [self._pending.popleft() for _ in range(len(self._pending))]
        if parts:
            self.console.print(Group(*parts))
        return bool(parts)
