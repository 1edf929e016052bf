"""The repository's tasks are those of the program, and a developer's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_invoke_lists_the_commands_and_what_developers_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    ours = {
        "deploy",
        "plan",
        "verify",
        "status",
        "smoke",
        "teardown",
        "schema",
        "encrypt",
        "trust",
    }
    labs = {f"lab.{verb}" for verb in ("up", "down", "status", "reset", "reboot")}
    assert (
        ours
        | labs
        | {
            "lab.cut",
            "lab.mend",
            "lab.off",
            "lab.on",
            "lab.chaos",
            "check",
            "test",
            "lock",
        }
        <= listed
    )


def test_make_has_two_doors() -> None:
    for target in ("demo", "test"):
        shown = subprocess.run(
            ["make", "--dry-run", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert ".venv/bin/invoke" in shown.stdout
