"""A session at a terminal, as docs/transcripts.md shows it: commands and what they print."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from support.lab.commands import ROOT
from support.printed.in_folder import MAIN

PAGE = ROOT / "docs/transcripts.md"
CUT = "..."
LIMIT_S = 900
COLUMNS = "120"
PERSON = "anna@laptop"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Transcript:
    """The commands of a session in *folder*, which are run as they are shown."""

    folder: Path
    lines: list[str] = field(default_factory=list)

    def remark(self, text: str) -> None:
        """Add a line that a person would think, or that happens elsewhere."""
        self.lines += ["", f"# {text}"]

    def run(self, *words: str, code: int = 0, first: int = 40, last: int = 0) -> str:
        """Run a command, and add it with its first and last lines.

        Returns:
            All that it printed.
        """
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *words],
            cwd=self.folder,
            env={**os.environ, "COLUMNS": COLUMNS},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == code, (
            f"{words} ended with {done.returncode}:\n{done.stdout}"
        )
        found = self._as_shown(done.stdout).strip("\n").splitlines()
        cut = len(found) > first + last
        shown = (
            [*found[:first], CUT, *(found[-last:] if last else [])] if cut else found
        )
        self.lines += ["", f"$ invoke {' '.join(map(quoted, words))}", *shown]
        if code:
            self.lines.append(f"[exit {code}]")
        return done.stdout

    def _as_shown(self, output: str) -> str:
        """Return *output* without the names of this machine and of its folders."""
        here = f"{getpass.getuser()}@{socket.gethostname()}"
        plain = COLOURS.sub("", output)
        shown = plain.replace(f"{self.folder}/", "").replace(here, PERSON)
        return shown.replace(f"{ROOT}/", "")

    def write(self, name: str, about: str) -> None:
        """Put it into the page with what it is *about*, in the place of the earlier one."""
        begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
        text = "\n".join(line.rstrip() for line in self.lines).strip("\n")
        page = PAGE.read_text()
        place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        assert place.search(page), begin
        title = f"## {name[0].upper()}{name[1:]}\n\n{about}\n\n"
        made = f"{begin}\n{title}```text\n{text}\n```\n{end}"
        PAGE.write_text(place.sub(lambda _: made, page))


def quoted(word: str) -> str:
    """Return *word* as a person would type it."""
    return word if re.fullmatch(r"[\w./:=@,-]+", word) else f"'{word}'"
