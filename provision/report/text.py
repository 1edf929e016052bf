"""Text from hosts and users made safe to show: one line, no control characters."""

from __future__ import annotations

import re

from provision.model.change import Change

VALUE_LENGTH = 64
"""Length from which on a value is shortened in the middle."""
MAX_LINE_LENGTH = 2000
"""Characters shown of a line that a program printed."""
ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
)
"""Escape sequences that colour text, move the cursor or set a window's title."""


def escape(text: str) -> str:
    """Return *text* as one line, with control characters written as escapes."""
    if text.isprintable():  # the usual case, and fast: output can be megabytes
        return text
    return "".join(c if c.isprintable() else _escape_character(c) for c in text)


def _escape_character(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shortened(text: str, length: int = VALUE_LENGTH) -> str:
    """Return *text*, with its middle left out if it is longer than *length*."""
    if len(text) <= length:
        return text
    kept = length - len(" ... ")
    return f"{text[: kept - kept // 3]} ... {text[-(kept // 3) :]}"


def clean_output(line: str) -> str:
    """Return a printed line without colours or overwritten progress text."""
    visible = ESCAPE_SEQUENCE.sub("", line).rstrip("\r\n").rpartition("\r")[2]
    cut = " ... (line cut)" if len(visible) > MAX_LINE_LENGTH else ""
    return escape(visible.expandtabs(4)[:MAX_LINE_LENGTH].rstrip()) + cut


def change_line(change: Change) -> str:
    """Return `field: before -> after`, on one line."""
    field = escape(change.field)
    return f"{field}: {_value(change.before)} -> {_value(change.after)}"


def _value(value: str | None) -> str:
    return "(absent)" if value is None else shortened(escape(value)) or '""'


def counted(number: int, noun: str) -> str:
    """Return the number and the noun: `1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def duration(seconds: float) -> str:
    """Return a duration as text: `0.4 s`, `74 s`, `12 min 5 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes >= 3 else f"{round(seconds)} s"


def listed(names: list[str], most: int = 5) -> str:
    """Return `a, b and c`, or `a, b, c, d, e and 37 more`."""
    shown = [escape(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
