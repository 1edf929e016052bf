"""Shell text in `.sh` files that lie beside the modules that send it.

A file begins with comments, which are not sent. Two of them are read:

    # needs: name, stays_s, "$@"
    # uses: service.sh, http.sh

`needs` names the parameters that the text reads; `"$@"` are its positional words. `uses`
names files whose functions come before it: each lies beside the file (or below, or `../`) or in
`provision/steps`, and comes once, however many use it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from provision.model.shell import NAME

LIBRARY = Path(__file__).parents[1] / "steps"
"""Folder of the files that several folders use."""
PACKAGE = LIBRARY.parent
WORDS = '"$@"'
HEADER = re.compile(r"(?:#.*\n|\n)*")
ENTRY = re.compile(r"# (needs|uses):(.*)")


class ShellText(str):
    """The text of a `.sh` file, after that of the files it uses: a constant.

    Attributes:
        name: the file, such as `steps/files/write.sh`.
        needs: the parameters that it reads.
        takes_words: true if it reads positional words.
    """

    __slots__ = ("name", "needs", "takes_words")

    name: str
    needs: frozenset[str]
    takes_words: bool


def read_shell(module: str, file: str) -> ShellText:
    """Read *file*, which lies beside *module*.

    Args:
        module: `__file__` of the module that sends it.
        file: its name, such as `write.sh`.

    Raises:
        ValueError: it does not say what it needs, or a name is no shell name.
        FileNotFoundError: it is missing, or a file that it uses is.
    """
    return _read(Path(module).parent / file)


@cache
def _read(path: Path) -> ShellText:
    parts: dict[Path, str] = {}
    needs: set[str] = set()
    _collect(path, parts, needs)
    text = ShellText("".join(parts.values()))
    inside = PACKAGE in path.parents
    text.name = str(path.relative_to(PACKAGE if inside else path.parents[1]))
    text.needs = frozenset(needs - {WORDS})
    text.takes_words = WORDS in needs
    return text


def _collect(path: Path, parts: dict[Path, str], needs: set[str]) -> None:
    """Add the file at *path* to *parts*, after those that it uses."""
    if path in parts:
        return
    about, body = _parsed(path)
    for name in about.get("uses", ()):
        beside = path.parent / name
        _collect(beside if beside.exists() else LIBRARY / name, parts, needs)
    needs.update(_checked(path, about))
    parts[path] = body


@cache
def _parsed(path: Path) -> tuple[dict[str, tuple[str, ...]], str]:
    """The entries of a file's header, and what follows it."""
    text = path.read_text(encoding="utf-8")
    header = HEADER.match(text)
    end = header.end() if header else 0
    entries = {
        key: tuple(filter(None, (word.strip() for word in words.split(","))))
        for key, words in ENTRY.findall(text[:end])
    }
    return entries, text[end:].strip("\n") + "\n"


def _checked(path: Path, about: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The names that a file says it needs."""
    if "needs" not in about:
        raise ValueError(f"{path} does not begin with a comment `# needs: ...`")
    for name in about["needs"]:
        if name != WORDS and not NAME.match(name):
            raise ValueError(f"{path} needs what is no shell name: {name}")
    return about["needs"]
