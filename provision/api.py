"""Every verb of the command line as a function that returns values and prints nothing."""

from __future__ import annotations

from provision.engine.run import (
    FORKS,
    Book,
    Hosts,
    Reporter,
    RunOptions,
    apply,
    plan,
    verify,
)

__all__ = [
    "FORKS",
    "Book",
    "Hosts",
    "Reporter",
    "RunOptions",
    "apply",
    "plan",
    "verify",
]
