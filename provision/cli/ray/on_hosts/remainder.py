"""The words after `--` on the command line, as they were typed.

Invoke joins them to one text, which cannot be divided again.
"""

from __future__ import annotations

import sys


def remainder() -> tuple[str, ...]:
    """Return the words after the first `--`."""
    words = sys.argv[1:]
    return tuple(words[words.index("--") + 1 :]) if "--" in words else ()
