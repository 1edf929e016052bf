"""Running a command on this machine, with its error output in the error message."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from provision.errors import LabError

ERROR_LINES = 12


def run_command(
    *argv: str | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    limit_s: float = 120,
) -> str:
    """Run *argv*; return what it prints.

    Raises:
        LabError: it is not installed, failed, or took longer than *limit_s* seconds.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            env={**os.environ, "LC_ALL": "C", **(env or {})},
            capture_output=True,
            timeout=limit_s,
            check=True,
        )
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"took longer than {limit_s:.0f} s: {_short(words)}") from error
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout).decode(errors="replace").splitlines()
        problem = "\n  ".join(lines[-ERROR_LINES:])
        raise LabError(f"failed: {_short(words)}\n  {problem}") from error
    return done.stdout.decode(errors="replace")


def succeeds(*argv: str | Path, limit_s: float = 20) -> bool:
    """Run *argv*; return True if it ends with exit code 0."""
    try:
        run_command(*argv, limit_s=limit_s)
    except LabError:
        return False
    return True


def _short(words: list[str]) -> str:
    text = " ".join(words)
    return text if len(text) <= 200 else f"{text[:200]} ..."
