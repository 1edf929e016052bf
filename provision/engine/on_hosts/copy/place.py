"""A place of a copy: a path on this machine, or HOSTS:PATH."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from provision.errors import OptionError


@dataclass(frozen=True, slots=True)
class Place:
    """A path, on this machine or on hosts.

    Attributes:
        path: the path; absolute on hosts.
        pattern: the pattern of the hosts; "" = this machine.
    """

    path: str
    pattern: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return Path(self.path).name


def parse(text: str) -> Place:
    """Return the place that *text* names.

    Raises:
        OptionError: it names none.
    """
    if not text or "\0" in text:
        raise OptionError("a place to copy from or to is empty")
    pattern, colon, rest = text.partition(":/")
    if text.startswith(("/", ".", "~")) or (not colon and ":" not in text):
        return Place(str(Path(text).expanduser()) + ("/" if text.endswith("/") else ""))
    if not colon:
        raise OptionError(
            f"{text!r}: a path on hosts begins with /, as in {text.replace(':', ':/', 1)!r}",
            hint="put ./ before the name of a file of this machine that has a colon",
        )
    if not pattern:
        raise OptionError(f"{text!r} names no host", hint="for example node1:/tmp/file")
    return Place("/" + rest, pattern)


def parse_both(source: str, target: str) -> tuple[Place, Place]:
    """Return both places of a copy.

    Raises:
        OptionError: not exactly one of them is on hosts, or the local file is missing.
    """
    places = parse(source), parse(target)
    if sum(bool(place.pattern) for place in places) != 1:
        raise OptionError(
            f"one of {source!r} and {target!r} is to be on hosts, the other on this machine",
            hint="write the one on hosts as HOST:/PATH, such as node1:/tmp/ or all:/etc/motd",
        )
    local = places[0]
    if not local.pattern and not Path(local.path).exists():
        raise OptionError(f"there is no file {local.path} on this machine")
    return places
