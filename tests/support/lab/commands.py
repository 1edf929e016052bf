"""The command line as a user runs it, from the outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
INVENTORY = "inventories/lab.yml"


@dataclass(frozen=True)
class CommandResult:
    """Output of a command, and its exit code."""

    words: tuple[str, ...]
    code: int
    output: str

    def expect_exit(self, code: int) -> CommandResult:
        """Itself, if it ended with *code*."""
        shown = " ".join(self.words)
        assert self.code == code, f"`{shown}` ended with {self.code}:\n{self.output}"
        return self


def argv(*words: str) -> list[str]:
    return [sys.executable, "-m", "invoke", *words]


def invoke(
    *words: str,
    limit_s: float = 900,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
) -> CommandResult:
    """Run `invoke WORDS` in the project, with no terminal."""
    done = subprocess.run(
        argv(*words),
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit_s,
        check=False,
    )
    return CommandResult(words, done.returncode, done.stdout)


def invoke_with_report(
    *words: str, report: Path, limit_s: float = 900
) -> tuple[CommandResult, dict[str, Any]]:
    """Run `invoke WORDS --report`; what it printed, and the report."""
    report.unlink(missing_ok=True)
    done = invoke(*words, "--report", str(report), limit_s=limit_s)
    assert report.exists(), done.output
    found: dict[str, Any] = json.loads(report.read_text())
    return done, found
