"""The test kit for people who write steps; docs/extending.md shows its use.

It needs no test framework: a check that fails raises AssertionError.
"""

from __future__ import annotations

from provision.testing.cases import Case, Sent, check_case, load_cases
from provision.testing.convergence import assert_converges, converge
from provision.testing.recording import record_case
from provision.testing.transport import FakeTransport

__all__ = [
    "Case",
    "FakeTransport",
    "Sent",
    "assert_converges",
    "check_case",
    "converge",
    "load_cases",
    "record_case",
]
