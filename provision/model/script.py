"""One shell script and how it is to be run: the argument of every transport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Sink = Callable[[bytes], object]
"""Takes the next bytes of a stream."""


def discard(data: bytes) -> None:
    """Drop *data*: the sink of a stream that nobody reads."""


def never() -> bool:
    """Return False: the script has all the time of its limit."""
    return False


@dataclass(frozen=True, slots=True)
class Script:
    """One shell script and how it is to be run on a host.

    Attributes:
        text: the whole script; it is sent on the standard input of `sh -s`.
        become: run as root, through sudo where the user is another.
        limit_s: seconds after which the host kills the script; 0 = never.
        stdout: takes the standard output as it comes.
        stderr: takes the standard error as it comes.
        overdue: returns true once the script has had its time, however much of
            `limit_s` is left; then its standard input ends, and the host kills it. Asked
            about once a second while the host sends anything.
        heartbeat: the script changes something, so it must not go on where nobody
            follows it: the host ends it when no heartbeat has come for a while.
    """

    text: str = field(repr=False)
    become: bool = False
    limit_s: float = 0
    stdout: Sink = discard
    stderr: Sink = discard
    heartbeat: bool = False
    overdue: Callable[[], bool] = never

    @property
    def encoded(self) -> bytes:
        """The text as it is sent; bytes that were no UTF-8 when read are kept."""
        return self.text.encode("utf-8", "surrogateescape")
