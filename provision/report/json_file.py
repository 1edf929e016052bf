"""The report of a run as a JSON file, written atomically at the end of the run."""

from __future__ import annotations

import json
import stat
import tempfile
from pathlib import Path
from types import TracebackType

from provision import atomic_file
from provision.errors import OptionError, ProvisionError
from provision.model.events import Event
from provision.model.result import INTERRUPTED, Run


class ReportFile:
    """Reporter that writes the result of a run to *path*, however the run ends.

    Raises:
        OptionError: *path* cannot be written; checked before the run starts.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path).resolve()
        self._result = Run()
        if self._path.exists() and not self._path.is_file():
            raise _unwritable(path, "it is not a file")
        try:
            self._mode = _mode_of_new_files(self._path.parent)
        except OSError as error:
            raise _unwritable(path, error.strerror or str(error)) from error

    def follow(self, result: Run) -> None:
        """Take *result* of the run that begins: it is what is written."""
        self._result = result

    def __enter__(self) -> ReportFile:
        return self

    def __call__(self, event: Event) -> None:
        """Ignore one event: the result has it."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        report = self._result.as_dict()
        if error:
            report |= _ending(error)
        # Not indented: for 100 hosts that would take a second, ten times as long.
        text = json.dumps(report) + "\n"
        atomic_file.replace(self._path, text.encode(), mode=self._mode)


def _mode_of_new_files(folder: Path) -> int:
    """Create a file in *folder* and remove it; return the mode that the umask gave it.

    Raises:
        OSError: files cannot be created there.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".report-") as trial:
        file = Path(trial, "report")
        file.touch()
        return stat.S_IMODE(file.stat().st_mode)


def _unwritable(path: str, why: str) -> OptionError:
    return OptionError(
        f"cannot write the report {path!r}: {why}",
        hint="give --report a file in a folder that exists and can be written to",
    )


def _ending(error: BaseException) -> dict[str, object]:
    """Return the fields that describe *error*, which ended the run as a whole."""
    code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    message, hint = str(error), ""
    if isinstance(error, ProvisionError):
        code, message, hint = error.exit_code, error.message, error.hint
    ended_by = {"type": type(error).__name__, "message": message, "hint": hint}
    return {"exit_code": code, "error": ended_by}
