"""Host names with ranges: `node[01:16]`, `rack[a:c]-[1:3]`, `gpu[0:6:2]`.

Source: the Ansible documentation, "How to build your inventory", ansible-core 2.19.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

RANGE = re.compile(r"\[([^\]]*)\]")
MOST = 10_000
"""Names one entry may stand for; more is a slip of the fingers."""


def expand(text: str) -> list[str]:
    """The host names that *text* stands for, in order.

    Raises:
        ValueError: a range is wrong; the message says how.
    """
    parts = RANGE.split(text)
    names = [parts[0]]
    for body, rest in zip(parts[1::2], parts[2::2], strict=True):
        values = _values(body)
        if len(names) * len(values) > MOST:
            raise ValueError(f"{text!r} stands for more than {MOST} hosts")
        names = [name + value + rest for name in names for value in values]
    return names


def _values(body: str) -> Sequence[str]:
    begin, end, step = _bounds(body)
    if begin.isdigit() and end.isdigit():
        return _numbers(body, begin, end, step)
    letters = string.ascii_letters
    if len(begin) == len(end) == 1 and begin in letters and end in letters:
        first, last = letters.index(begin), letters.index(end)
        if first > last:
            raise ValueError(f"the range [{body}] ends before it begins")
        return letters[first : last + 1 : step]
    raise ValueError(f"the range [{body}] needs two numbers or two single letters")


def _bounds(body: str) -> tuple[str, str, int]:
    begin, *more = body.split(":")
    if not 1 <= len(more) <= 2:
        raise ValueError(
            f"a range is written [FIRST:LAST] or [FIRST:LAST:STEP], not [{body}]"
        )
    step = more[1] if len(more) == 2 else "1"
    if not step.isdigit() or step == "0":
        raise ValueError(f"the step in [{body}] must be a number above 0")
    return begin or "0", more[0], int(step)


def _numbers(body: str, begin: str, end: str, step: int) -> list[str]:
    width = len(begin) if begin.startswith("0") and len(begin) > 1 else 0
    if width and len(end) != width:
        raise ValueError(f"both ends of [{body}] need the same number of digits")
    first, last = int(begin), int(end)
    if first > last:
        raise ValueError(f"the range [{body}] ends before it begins")
    if last - first > MOST * step:
        raise ValueError(f"[{body}] stands for more than {MOST} hosts")
    return [f"{number:0{width}d}" for number in range(first, last + 1, step)]
