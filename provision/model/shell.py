"""Fragments of shell with their parameters, and their replies.

A fragment's text is a constant; parameters enter as quoted assignments or as
positional words, never by formatting. So a value can never become code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import LiteralString

NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Sh:
    """A fragment of POSIX sh: fixed *text*, named *params* and positional *args*.

    A *mergeable* one probes each of its *args* and prints their names: so the probes of
    several steps may become one, and each step finds its part in the reply.
    """

    text: str
    args: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    mergeable: bool = False

    @classmethod
    def of(cls, text: LiteralString, *args: Value, **params: Value) -> Sh:
        """Make a fragment.

        Args:
            text: shell code, a constant; sees *args* as `"$@"`, *params* as variables.
            args: positional words.
            params: values by shell variable name; True and False become true and false.

        Raises:
            ValueError: a name is no shell name, or a value has a NUL character.
        """
        for name in params:
            if not NAME.match(name):
                raise ValueError(f"not a lower case shell name: {name!r}")
        words = tuple(_word(arg) for arg in args)
        return cls(text, words, {name: _word(value) for name, value in params.items()})

    @classmethod
    def mergeable_probe(
        cls, text: LiteralString, *things: Value, **params: Value
    ) -> Sh:
        """Make a probe of *things* that may be merged with the probes of other steps.

        Raises:
            ValueError: as for `of`.
        """
        return replace(cls.of(text, *things, **params), mergeable=True)

    def render(self) -> str:
        """Return the fragment as code that can be pasted into a terminal."""
        lines = [f"{name}={quote(value)}" for name, value in self.params.items()]
        lines.append(" ".join(["set --", *map(quote, self.args)]))
        return "\n".join([*lines, self.text.strip("\n")])


NOTHING = Sh("")
"""The fragment that does nothing, successfully."""


def quote(text: str) -> str:
    """Return *text* as one shell word, whatever characters it has."""
    return "'" + text.replace("'", "'\\''") + "'"


def _word(value: Value) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\0" in text:
        raise ValueError("a value must not contain a NUL character")
    return text


TIMED_OUT = (124, 137)
"""Exit codes of timeout(1): the limit was met; the limit was met and TERM ignored."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The output of one fragment, and its exit code.

    A fragment that was cut off has *ended* False and the exit code of the whole
    script; one that never began has *exit* None.
    """

    stdout: str = ""
    stderr: str = ""
    exit: int | None = 0
    ended: bool = True

    @property
    def timed_out(self) -> bool:
        """True if the time limit of the script ended it."""
        return not self.ended and self.exit in TIMED_OUT

    def tail(self, count: int = 10) -> tuple[str, ...]:
        """The last *count* lines, of standard error if it has any, else of output."""
        return _last(self.stderr, count) or _last(self.stdout, count)

    def tails(self, count: int = 10) -> tuple[str, ...]:
        """The last *count* lines of output, and then those of standard error.

        Many programs write the reason of an error to the one, and the error to the other.
        """
        return (*_last(self.stdout, count), *_last(self.stderr, count))


def _last(text: str, count: int) -> tuple[str, ...]:
    return tuple(text.strip().splitlines()[-count:])
