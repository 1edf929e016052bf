"""Lines above a moving board, printed together: each print draws the board again."""

from __future__ import annotations

from collections import deque

from rich.console import Console, Group, RenderableType
from rich.live import Live

PER_SECOND = 5
MOST_WAITING = 200
"""So many lines may wait for the next drawing; whoever brings more waits himself."""


class LiveDisplay(Live):
    """A board at the bottom of a terminal, and what is told above it.

    Args:
        board: drawn a few times a second.
        console: the terminal.
    """

    def __init__(self, board: RenderableType, console: Console) -> None:
        super().__init__(
            board, console=console, transient=True, refresh_per_second=PER_SECOND
        )
        self._waiting: deque[RenderableType] = deque()

    def tell(self, part: RenderableType) -> None:
        """Print *part* above the board, with the next drawing at the latest."""
        self._waiting.append(part)
        if len(self._waiting) >= MOST_WAITING:
            self._flush()

    def refresh(self) -> None:
        """Draw the board, below what waits to be told."""
        if not self._flush():
            super().refresh()

    def stop(self) -> None:
        """Tell the rest, and take the board away."""
        self._flush()
        super().stop()

    def _flush(self) -> bool:
        parts = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if parts:
            self.console.print(Group(*parts))
        return bool(parts)
