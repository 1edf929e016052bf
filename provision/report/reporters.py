"""The reporters of one run: each event is added up once, then given to all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, runtime_checkable

from provision.model.events import Event
from provision.model.result import Run

Reporter = Callable[[Event], object]
"""Takes each event of a run; one that is a context manager is entered for the run."""


@runtime_checkable
class ResultReporter(Protocol):
    """A reporter that shows the result of a run as well as its events."""

    def __call__(self, event: Event) -> object:
        """Take one event; the result has it already."""

    def follow(self, result: Run) -> None:
        """Take *result* of the run that begins; it grows with each event."""


class Reporters:
    """All reporters of one run, and its result: the only place that adds up events.

    Args:
        reporters: each is given every event, in this order.

    Attributes:
        result: the sum of the events so far.
    """

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self.result = Run()
        self._reporters = reporters
        self._entered = contextlib.ExitStack()

    def __enter__(self) -> Reporters:
        with contextlib.ExitStack() as stack:
            for reporter in self._reporters:
                if isinstance(reporter, ResultReporter):
                    reporter.follow(self.result)
                if isinstance(reporter, contextlib.AbstractContextManager):
                    stack.enter_context(reporter)
            self._entered = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered.__exit__(kind, error, trace)

    def __call__(self, event: Event) -> None:
        """Add up one event, and give it to each reporter."""
        self.result(event)
        for reporter in self._reporters:
            reporter(event)
