"""Unified diffs of the texts that steps replace on hosts."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from provision.model.shell import Reply, Sh
from provision.model.step import TextChange

MOST_LINES = 200
"""Lines of one diff that are shown."""
NO_NEWLINE = "\\ No newline at end of file"


def text_diff(text: TextChange, ask: Callable[[Sh], Reply]) -> tuple[str, ...]:
    """Return the lines of a unified diff, or one line that says why there is none.

    Args:
        text: what is replaced.
        ask: runs shell on the host.
    """
    if text.hidden:
        return (f"(not shown: {text.hidden})",)
    before = ""
    if text.before:
        reply = ask(text.before)
        if not reply.ended or reply.exit:
            return ("(the text that is there cannot be read)", *reply.tail())
        before = reply.stdout
    if _is_binary(before) or _is_binary(text.after):
        return ("(not shown: it is not text)",)
    lines = list(unified(before, text.after))
    more = len(lines) - MOST_LINES
    shown = lines[:MOST_LINES]
    return tuple([*shown, f"... and {more} lines more"] if more > 0 else shown)


def unified(before: str, after: str) -> Iterator[str]:
    """Yield the lines of the diff from *before* to *after*."""
    texts = (before.splitlines(keepends=True), after.splitlines(keepends=True))
    for line in difflib.unified_diff(*texts, "before", "after"):
        yield line.rstrip("\n")
        if not line.endswith("\n"):
            yield NO_NEWLINE


def _is_binary(text: str) -> bool:
    return "\0" in text or "\ufffd" in text
