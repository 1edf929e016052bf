"""The id of a run; an interrupted deploy and the one that finishes it share one.

What a deploy replaces is labelled with the id of its run, and a rollback takes back all of
one id. So the id of a deploy that replaced something and did not end well is kept beside
the inventory, and the next deploy uses it again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path

from provision.atomic_file import replace
from provision.model.events import Event, StepApplying
from provision.model.step import Step

FILE = "unfinished"


class UnfinishedRun:
    """Keeps the id of a deploy until one has ended well; a reporter.

    Args:
        state_dir: the folder where it is kept.
        run_id: the id of the present run.
        steps: the steps of all hosts.
    """

    def __init__(self, state_dir: Path, run_id: str, steps: Iterable[Step]) -> None:
        self._file = state_dir / FILE
        self._run_id = run_id
        kinds = {type(step) for step in steps}
        self._labelling = {kind.kind for kind in kinds if kind.carries_run}
        self._concerned = any(k.carries_run or k.undoes_run for k in kinds)

    def __call__(self, event: Event) -> None:
        """Keep the id when the first step begins that labels something with it."""
        applying = isinstance(event, StepApplying) and event.kind in self._labelling
        if applying and self._run_id:
            run_id, self._run_id = self._run_id, ""
            with contextlib.suppress(OSError):  # then a rollback takes back one part
                replace(self._file, f"{run_id}\n".encode())

    def finish(self) -> None:
        """Drop the id: a run of the whole inventory has ended well."""
        if self._concerned:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)


def find_run_id(state_dir: Path) -> str:
    """Return the id of a deploy that did not end well; if none, the present time."""
    with contextlib.suppress(OSError):
        if run_id := (state_dir / FILE).read_text("utf-8").strip():
            return run_id
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
