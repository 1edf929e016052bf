"""Hosts as bare words of `init`, which Invoke would take for other commands."""

from __future__ import annotations

from collections.abc import Sequence


def to_options(argv: Sequence[str]) -> list[str]:
    """Return *argv* with `init user@host` as `init --add user@host`.

    Invoke would take a bare word for another command. A host has an `@` here.
    """
    if "init" not in argv:
        return [*argv]
    found: list[str] = []
    for word in argv:
        before = found[-1] if found else ""
        # The value of an option that is written apart may have an @ as well.
        value = before.startswith("-") and before not in {"-y", "--yes"}
        bare = "@" in word and not word.startswith("-") and not value
        found += ["--add", word] if bare else [word]
    return found
