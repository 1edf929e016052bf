"""Numbers as a person reads them: medians with their spread, tables in Markdown."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

OWN_PACKAGES = ("fabric", "paramiko", "cryptography", "pydantic", "invoke", "jinja2")


@dataclass(slots=True)
class Section:
    """A part of the results: what was measured, and what came out."""

    title: str
    lines: list[str] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)

    def say(self, *lines: str) -> None:
        """Add lines."""
        self.lines += lines

    def text(self) -> str:
        """The part in Markdown."""
        return "\n".join([f"## {self.title}", "", *self.lines]).rstrip() + "\n"


@dataclass(frozen=True, slots=True)
class Goal:
    """A number that should be at most (or at least) another."""

    what: str
    measured: float
    limit: float
    at_least: bool = False
    unit: str = ""

    @property
    def met(self) -> bool:
        """Return True if the goal is met."""
        if self.at_least:
            return self.measured >= self.limit
        return self.measured <= self.limit

    def row(self) -> list[str]:
        """Cells of a table."""
        sign = ">=" if self.at_least else "<="
        return [
            self.what,
            f"{sign} {_short(self.limit)}{self.unit}",
            f"{_short(self.measured)}{self.unit}",
            "met" if self.met else "**missed**",
        ]


def _short(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def goals_table(goals: Iterable[Goal]) -> list[str]:
    """All goals, one a line; nothing where there are none."""
    goals = list(goals)
    if not goals:
        return []
    return table(["goal", "limit", "measured", ""], [goal.row() for goal in goals])


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median, and if there are several values the least and the greatest."""
    if not values:
        return "-"
    middle = f"{statistics.median(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown that reads well as text, too."""
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[n]) for row in cells) for n in range(len(head))]
    lines = [_row(row, widths) for row in cells]
    return [lines[0], _row(["-" * width for width in widths], widths), *lines[1:]]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return f"| {' | '.join(padded)} |"


def machine() -> list[str]:
    """Return the machine that this was measured on."""
    load = Path("/proc/loadavg").read_text().split()[0]
    memory = re.search(r"MemTotal: *(\d+)", Path("/proc/meminfo").read_text())
    gib = int(memory[1]) / 2**20 if memory else 0
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    packages = ", ".join(f"{name} {version(name)}" for name in OWN_PACKAGES)
    return [
        f"- {os.cpu_count()} cores, {gib:.0f} GiB, {release}, Linux {platform.release()}",
        f"- load when it began: {load}",
        f"- Python {platform.python_version()}, {sshd_version()}",
        f"- ours and floors: {packages}",
    ]


def sshd_version() -> str:
    """OpenSSH's version."""
    done = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False)
    return done.stderr.split(",")[0].strip()


def peer_versions(python: Path, names: Sequence[str]) -> str:
    """The versions of packages in another environment."""
    code = (
        "import sys; from importlib.metadata import version;"
        "print(', '.join(f'{name} {version(name)}' for name in sys.argv[1:]))"
    )
    argv = [str(python), "-c", code, *names]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return done.stdout.strip()
