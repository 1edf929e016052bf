"""A command as a person types it, in a folder, with no terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MAIN = "import sys; from provision.cli import main; sys.argv[0] = 'invoke'; main()"


def run(folder: Path, *words: str, **env: str) -> tuple[int, str, str]:
    """Run a command; return its exit code, output and errors."""
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *words],
        cwd=folder,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr
