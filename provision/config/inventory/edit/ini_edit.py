"""Hosts in the text of an INI inventory: lines come and go, all others stay as they are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from provision.config.inventory.formats.ini_file import COMMENT, HEADER


def add(text: str, group: str, name: str, variables: Mapping[str, Any]) -> str:
    """Return *text* with the host *name* after the last one of the section *group*.

    Raises:
        ValueError: there is no such section.
    """
    lines = text.splitlines(keepends=True)
    place = None
    for number, section, line in _sections(lines):
        if section == group and (line.startswith("[") or not line.startswith(COMMENT)):
            place = number
    if place is None:
        raise ValueError(f"there is no section [{group}]")
    words = [name, *(f"{key}={_value(value)}" for key, value in variables.items())]
    newline = "\r\n" if lines[place].endswith("\r\n") else "\n"
    if not lines[place].endswith("\n"):
        lines[place] += newline
        newline = ""
    lines.insert(place + 1, " ".join(words) + newline)
    return "".join(lines)


def remove(text: str, name: str) -> str:
    """Return *text* without the lines of the host *name*.

    Raises:
        ValueError: it is written nowhere by its own name.
    """
    lines = text.splitlines(keepends=True)
    own = re.compile(rf"{re.escape(name)}(:\d+)?(\s|\Z)")
    gone = {
        number
        for number, section, line in _sections(lines)
        if section is not None and not line.startswith("[") and own.match(line)
    }
    if not gone:
        raise ValueError(f"{name} is written nowhere by its own name")
    return "".join(line for number, line in enumerate(lines) if number not in gone)


def _sections(lines: list[str]) -> Iterator[tuple[int, str | None, str]]:
    """Yield number, section of hosts (None: another) and text of the lines with a content."""
    section: str | None = "ungrouped"
    for number, raw in enumerate(lines):
        line = raw.strip()
        if header := HEADER.match(line):
            section = header[1] if (header[2] or "hosts") == "hosts" else None
        if line:
            yield number, section, line


def _value(value: Any) -> str:
    """A variable as it stands in a line, which is read as words of a shell."""
    return shlex.quote(value if isinstance(value, str) else repr(value))
