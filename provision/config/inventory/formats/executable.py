"""Inventories that a program prints: `--list`, and `--host NAME` without `_meta`.

A program is run as it is, without a terminal, in the current folder, as Ansible does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from provision.config.file_text import short_name
from provision.errors import InventoryError

SECONDS = 120.0
"""Time for all runs of one program."""
MOST_BYTES = 64 * 1024 * 1024
"""Length of an output that is read; more is a mistake."""
LINES = 10
"""Lines of its standard error that are shown."""
LINE = 200


class Executable:
    """The program *path*, with a limit for the time of all its runs."""

    def __init__(self, path: Path, seconds: float = SECONDS) -> None:
        self.file = short_name(path)
        self._command = str(path.absolute())
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def output(self, *words: str) -> str:
        """Return what it prints when it is called with *words*.

        Raises:
            InventoryError: it fails, takes too long, or prints no text.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = self._run(words, out, err)
            if code:
                raise self._failed(words, f"ended with exit code {code}", err)
            if out.tell() > MOST_BYTES:
                raise self._failed(words, f"prints more than {MOST_BYTES} bytes", err)
            out.seek(0)
            try:
                return out.read().decode("utf-8")
            except UnicodeDecodeError:
                problem = "prints what is not text in UTF-8"
                raise self._failed(words, problem, err) from None

    def _run(self, words: tuple[str, ...], out: IO[bytes], err: IO[bytes]) -> int:
        try:
            process = subprocess.Popen(
                [self._command, *words],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            problem = f"cannot be run: {error.strerror or error}"
            raise InventoryError(problem, file=self.file) from error
        with _killed_if_left(process):
            return self._wait(process, words, out, err)

    def _wait(
        self,
        process: subprocess.Popen[bytes],
        words: tuple[str, ...],
        out: IO[bytes],
        err: IO[bytes],
    ) -> int:
        while True:
            try:
                code = process.wait(STEP)
                out.seek(0, os.SEEK_END)
                return code
            except subprocess.TimeoutExpired:
                if os.fstat(out.fileno()).st_size > MOST_BYTES:
                    problem = f"prints more than {MOST_BYTES} bytes"
                    raise self._failed(words, problem, err) from None
                if time.monotonic() > self._end:
                    problem = f"did not end in {self._seconds:g} s"
                    raise self._failed(words, problem, err) from None

    def _failed(
        self, words: tuple[str, ...], problem: str, err: IO[bytes]
    ) -> InventoryError:
        said = "".join(f"\n  | {line}" for line in _last_lines(err))
        command = " ".join(("the program", *words))
        return InventoryError(f"{command} {problem}{said}", file=self.file)


STEP = 0.25
"""Seconds between two looks at a program that runs."""


@contextlib.contextmanager
def _killed_if_left(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill *process* and its children if it is not waited for until it ends."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def _last_lines(err: IO[bytes]) -> list[str]:
    err.seek(0, os.SEEK_END)
    err.seek(max(0, err.tell() - LINES * LINE))
    lines = err.read().decode("utf-8", "replace").splitlines()
    return [line[:LINE] for line in lines if line.strip()][-LINES:]
