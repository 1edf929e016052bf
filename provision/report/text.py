"""Text from hosts and users as it may be shown: on one line, with nothing to obey."""

from __future__ import annotations

import re

from provision.model.change import Change

VALUE_LENGTH = 64
"""Longer values are shortened in the middle."""
LONGEST = 2000
"""Characters of a printed line that are shown: more than a person reads."""
STYLING = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Escape sequences that colour text, move the cursor or set a window's title."""


def escape(text: str) -> str:
    """*text* on one line; characters that a terminal would act on are written out."""
    if text.isprintable():  # as nearly all is: a flood is told apart in no time
        return text
    return "".join(c if c.isprintable() else _written_out(c) for c in text)


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shortened(text: str, length: int = VALUE_LENGTH) -> str:
    """*text* with its middle left out, if it is longer than *length*."""
    if len(text) <= length:
        return text
    kept = length - len(" ... ")
    return f"{text[: kept - kept // 3]} ... {text[-(kept // 3) :]}"


def clean_output(line: str) -> str:
    """A line that a program printed, without colours and what it wrote over."""
    shown = STYLING.sub("", line).rstrip("\r\n").rpartition("\r")[2]
    cut = " ... (the line goes on)" if len(shown) > LONGEST else ""
    return escape(shown.expandtabs(4)[:LONGEST].rstrip()) + cut


def change_line(change: Change) -> str:
    """`field: before -> after`, on one line."""
    field = escape(change.field)
    return f"{field}: {_value(change.before)} -> {_value(change.after)}"


def _value(value: str | None) -> str:
    return "(absent)" if value is None else shortened(escape(value)) or '""'


def counted(number: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration(seconds: float) -> str:
    """`0.4 s`, `74 s`, `12 min 5 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes >= 3 else f"{round(seconds)} s"


def listed(names: list[str], most: int = 5) -> str:
    """`a, b and c`, or `a, b, c, d, e and 37 more`."""
    shown = [escape(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
