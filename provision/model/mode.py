"""The three modes of a run."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """A mode of a run; its value is its name in reports."""

    PLAN = "plan"
    APPLY = "apply"
    VERIFY = "verify"
