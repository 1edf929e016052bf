"""A deploy that was cut off and the one that finishes it count as one change.

What a deploy replaces carries its run as a label, and a rollback takes away all of one
run. So the run of a deploy that replaced something and did not end well is kept beside
the inventory, and the next deploy goes on under it.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from provision.atomic_file import replace
from provision.model.events import Event, StepApplying
from provision.model.result import Run

FILE = "unfinished"
REPLACES = frozenset(("ray_head", "ray_worker"))
"""Kinds of steps that label what they make with their run."""
GOES_BACK = "ray_previous"


class Unfinished:
    """Keeps the run of a deploy until one has ended well; a reporter.

    Args:
        memory: the folder where it is kept.
        run: that of now, as its steps have it.
    """

    def __init__(self, memory: Path, run: str) -> None:
        self._file = memory / FILE
        self._run = run

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, StepApplying) and event.kind in REPLACES and self._run:
            run, self._run = self._run, ""
            with contextlib.suppress(OSError):  # a rollback takes one part, then
                replace(self._file, f"{run}\n".encode())

    def over(self, run: Run, *, whole: bool) -> None:
        """A *run* is over: one of the *whole* inventory may have done what was left."""
        kinds = {step.kind for row in run.steps.values() for step in row}
        if whole and run.exit_code == 0 and kinds & {*REPLACES, GOES_BACK}:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)


def name_of_run(memory: Path) -> str:
    """That of a deploy that was begun and did not end well; else the time of now."""
    with contextlib.suppress(OSError):
        if name := (memory / FILE).read_text("utf-8").strip():
            return name
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
