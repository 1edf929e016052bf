"""The test kit for people who write steps; CONTRIBUTING.md shows its use.

It needs no test framework: a check that fails raises AssertionError.
"""

from __future__ import annotations

from provision.testing.cases import Case, Sent, check_case, load_cases
from provision.testing.recording import record_case

__all__ = ["Case", "Sent", "check_case", "load_cases", "record_case"]
