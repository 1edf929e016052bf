"""A person at a terminal: commands with answers to their questions, and what was to be seen."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

COLUMNS = 100
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
LONG, FIRST, LAST = 40, 8, 16
"""Lines that are too many for a page, and how many of them it has from both ends."""


@dataclass
class Terminal:
    """A terminal in a folder.

    Attributes:
        folder: where its commands run.
        environment: of its commands.
        shown: all that was to be seen, with the commands that were typed.
    """

    folder: Path
    environment: Mapping[str, str]
    shown: list[str] = field(default_factory=list)

    def type(
        self,
        line: str,
        *answers: tuple[str, str],
        limit_s: float = 300,
        show: bool = True,
    ) -> tuple[int, str]:
        """Run a command; give each answer once its question is there.

        Returns:
            Its exit code, and what was to be seen of it.
        """
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(self.folder)
            os.execvpe("sh", ["sh", "-c", f"stty cols {COLUMNS}; {line}"], self._env())
        try:
            printed = _conversation(process, terminal, list(answers), limit_s)
        finally:
            _, status = os.waitpid(process, 0)
        if show:
            self.shown += [f"$ {line}", *for_page(printed), ""]
        return os.waitstatus_to_exitcode(status), printed

    def _env(self) -> dict[str, str]:
        # Without movements of the cursor: what is shown is what was printed.
        return {**self.environment, "TERM": "dumb", "COLUMNS": str(COLUMNS)}


def _conversation(
    process: int, terminal: int, answers: list[tuple[str, str]], limit_s: float
) -> str:
    """Read to the end; a command that takes longer, or asks something else, is ended."""
    printed, seen = b"", 0
    deadline = time.monotonic() + limit_s
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            os.killpg(process, signal.SIGKILL)
            text = printed.decode(errors="replace")
            raise AssertionError(f"no end after {limit_s} s:\n{text}")
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""  # the end of a terminal
        if not part:
            os.close(terminal)
            assert not answers, f"{answers[0][0]!r} was not asked:\n{printed.decode()}"
            return printed.decode(errors="replace").replace("\r\n", "\n")
        printed += part
        if answers and answers[0][0].encode() in printed[seen:]:
            seen = len(printed)
            os.write(terminal, f"{answers.pop(0)[1]}\n".encode())


def for_page(printed: str) -> list[str]:
    """Return the lines of an output without colours; of a long one the beginning and the end."""
    lines = [line.rstrip() for line in COLOURS.sub("", printed).splitlines()]
    if len(lines) <= LONG:
        return lines
    return [*lines[:FIRST], "...", *lines[-LAST:]]


def page_with(page: str, name: str, shown: Sequence[str]) -> str:
    """Return *page* with the lines of a transcript between its marks.

    Raises:
        ValueError: it has no marks of that name.
    """
    begin, end = f"<!-- {name} begins -->\n", f"<!-- {name} ends -->"
    before, mark, rest = page.partition(begin)
    _, other, after = rest.partition(end)
    if not (mark and other):
        raise ValueError(f"the page has no marks of {name}")
    text = "\n".join(shown).rstrip()
    return f"{before}{begin}```text\n{text}\n```\n{other}{after}"
