"""A program of the repository that is run as a person runs it, and what it took."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks import meter


def invoke(*words: str) -> meter.Cost:
    """Run an Invoke task; it must end well."""
    return run([sys.executable, "-m", "invoke", *words])


def run(argv: Sequence[str]) -> meter.Cost:
    """Run *argv* in the repository; it must end well."""
    cost = meter.run(argv, cwd=meter.HERE)
    if cost.code:
        sys.exit(f"{' '.join(argv)} ended with {cost.code}:\n{cost.output}")
    return cost
