"""One line of an ssh_config file: its keyword and words, split as ssh splits them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "identityfile2": "identityfile",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "skeyauthentication": "kbdinteractiveauthentication",
    "tisauthentication": "kbdinteractiveauthentication",
}
"""Old names of keywords."""
RAW = frozenset(("proxycommand", "proxyjump"))
"""Keywords whose value is the rest of the line, with quotes and `#`."""
KEYWORD = re.compile(r"[ \t\r]*([^ \t\r=\"]+)[ \t\r]*=?[ \t\r]*")
ESCAPED = frozenset("'\"\\")


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line that says something.

    Attributes:
        keyword: in lower case, by its new name; "" if only ssh can read the line.
        words: what follows it.
        text: the whole line.
        file: where it is.
        number: its number there.
        included: the files of an Include; None if only ssh can find them.
    """

    keyword: str
    words: Sequence[str]
    text: str
    file: str = ""
    number: int = 0
    included: Sequence[File] | None = None

    @property
    def where(self) -> str:
        """The place, as `file:line`."""
        return f"{self.file}:{self.number}" if self.number else self.file


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A file and its lines."""

    path: str
    lines: Sequence[Line]

    def __iter__(self) -> Iterator[Line]:
        """Yield its lines, each followed by those of the files that it includes."""
        for line in self.lines:
            yield line
            for file in line.included or ():
                yield from file


def parse(text: str, file: str = "", number: int = 0) -> Line | None:
    """Return the line *text*; None if it is empty or a comment."""
    text = text.partition("\0")[0].rstrip(" \t\r\n\f")
    found = KEYWORD.match(text)
    if not text.strip(" \t\r") or (found and found[1].startswith("#")):
        return None
    if found is None:
        return Line("", (), text, file, number)
    keyword, rest = found[1].lower(), text[found.end() :]
    keyword = ALIASES.get(keyword, keyword)
    try:
        words = [rest] if keyword in RAW else list(split(rest))
    except ValueError:
        keyword, words = "", []
    return Line(keyword, words, text, file, number)


def split(text: str) -> Iterator[str]:
    """Yield the words of *text*: quoted parts, escaped quotes, up to a `#`.

    Raises:
        ValueError: a quote has no end.
    """
    rest = text.lstrip(" \t")
    while rest and not rest.startswith("#"):
        word, rest = _word(rest)
        yield word
        rest = rest.lstrip(" \t")


def _word(text: str) -> tuple[str, str]:
    """Return the first word of *text*, without its quotes, and what follows it."""
    word, quote, at = "", "", 0
    while at < len(text):
        letter, after = text[at], text[at + 1 : at + 2]
        if letter == "\\" and (after in ESCAPED or (not quote and after == " ")):
            word, at = word + after, at + 1
        elif letter in " \t" and not quote:
            break
        elif letter in "'\"" and quote in ("", letter):
            quote = "" if quote else letter
        else:
            word += letter
        at += 1
    if quote:
        raise ValueError("a quote has no end")
    return word, text[at:]
