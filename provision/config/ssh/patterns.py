"""Patterns of ssh: `*`, `?` and `!`, in the words of Host and the lists of Match."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable


def host_matches(name: str, words: Iterable[str]) -> bool:
    """Tell whether a Host block with *words* is for *name*."""
    found = False
    for word in words:
        if _matches(name, word.removeprefix("!")):
            if word.startswith("!"):
                return False
            found = True
    return found


def list_matches(text: str, patterns: str, *, lower: bool = False) -> bool:
    """Tell whether *text* matches the list *patterns*, of which *lower* ignores case."""
    if lower:
        text, patterns = text.lower(), patterns.lower()
    return host_matches(text, patterns.split(","))


def _matches(name: str, pattern: str) -> bool:
    return bool(_compiled(pattern).fullmatch(name))


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    # Stars in a row would make the search slow, and mean the same as one.
    text = re.sub(r"\*+", "*", pattern)
    return re.compile(
        "".join(parts.get(letter) or re.escape(letter) for letter in text), re.DOTALL
    )
