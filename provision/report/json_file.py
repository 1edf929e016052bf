"""A run as JSON in a file, written whole at its end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType

from provision.errors import OptionError, ProvisionError
from provision.model.events import Event
from provision.model.result import INTERRUPTED, Run


class ReportFile:
    """Adds a run up and writes it to *path* when the run is over, however it ended.

    Raises:
        OptionError: nothing can be written there; found out before the run.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path).resolve()
        self._draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        self._run = Run()
        if self._path.exists() and not self._path.is_file():
            raise _unwritable(path, "it is not a file")
        try:
            self._write("")
            self._draft.unlink()
        except OSError as error:
            raise _unwritable(path, error.strerror or str(error)) from error

    def __enter__(self) -> ReportFile:
        return self

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._run(event)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        report = self._run.as_dict()
        if error:
            report |= _ending(error)
        # Not indented: that is ten times the work, and for 100 hosts all of a second.
        self._write(json.dumps(report) + "\n")
        self._draft.replace(self._path)

    def _write(self, text: str) -> None:
        """Write a new file beside the report: a rename in one folder is atomic."""
        with self._draft.open("x", encoding="utf-8") as draft:
            draft.write(text)


def _unwritable(path: str, why: str) -> OptionError:
    return OptionError(
        f"cannot write the report {path!r}: {why}",
        hint="give --report a file in a folder that exists and can be written to",
    )


def _ending(error: BaseException) -> dict[str, object]:
    """What ended the run as a whole."""
    code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    message, hint = str(error), ""
    if isinstance(error, ProvisionError):
        code, message, hint = error.exit_code, error.message, error.hint
    said = {"type": type(error).__name__, "message": message, "hint": hint}
    return {"exit_code": code, "error": said}
