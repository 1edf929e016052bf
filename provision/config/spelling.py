"""The nearest of several words to one that was perhaps mistyped."""

from __future__ import annotations

import re
from collections.abc import Iterable

SLIP = 3
"""One mistake is forgiven for so many letters."""


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return the one of *choices* that *word* may stand for; "" if none is near.

    Near is what a few mistakes of typing make of it, in relation to its length. Words
    of one family, `disk_size` and `disk_name`, are compared without what they share, and
    other digits are another word: nobody types `node7` for `node1`.
    """
    digits = re.sub(r"\D", "", word)
    found = [
        (_mistakes(*pair), choice)
        for choice in choices
        for pair in [_without_family(word.lower(), choice.lower())]
        if digits == re.sub(r"\D", "", choice)
    ]
    near = [(n, choice) for (n, length), choice in found if n * SLIP <= length]
    return min(near)[1] if near else ""


def _without_family(one: str, other: str) -> tuple[str, str]:
    """Both words without the parts before `_` that they share."""
    first, second = one.split("_"), other.split("_")
    while min(len(first), len(second)) > 1 and first[0] == second[0]:
        first, second = first[1:], second[1:]
    return "_".join(first), "_".join(second)


def _mistakes(one: str, other: str) -> tuple[int, int]:
    """The letters to add, remove, replace or swap, and the length of the longer word."""
    before, row = [0], list(range(len(other) + 1))
    for i, letter in enumerate(one):
        last, before, row = before, row, [i + 1]
        for j, wanted in enumerate(other):
            best = min(before[j] + (letter != wanted), before[j + 1] + 1, row[j] + 1)
            if i and j and (one[i - 1], letter) == (wanted, other[j - 1]):
                best = min(best, last[j - 1] + 1)
            row.append(best)
    return row[-1], max(len(one), len(other))
