"""Running a command of this machine, with errors that say what went wrong."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from provision.errors import LabError

ERROR_LINES = 12


def command(
    *argv: str | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    limit_s: float = 120,
) -> str:
    """What *argv* prints.

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
        raise LabError(f"no end after {limit_s:.0f} s: {_short(words)}") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).decode(errors="replace").splitlines()
        problem = "\n  ".join(said[-ERROR_LINES:])
        raise LabError(f"failed: {_short(words)}\n  {problem}") from error
    return done.stdout.decode(errors="replace")


def succeeds(*argv: str | Path, limit_s: float = 20) -> bool:
    """Whether *argv* can be run and ends well."""
    try:
        command(*argv, limit_s=limit_s)
    except LabError:
        return False
    return True


def _short(words: list[str]) -> str:
    text = " ".join(words)
    return text if len(text) <= 200 else f"{text[:200]} ..."
