"""What this program is called, for the commands that errors tell a person to type."""

from __future__ import annotations

import sys
from pathlib import Path


def program() -> str:
    """How the user calls this: `invoke` in the repository, else `provision`."""
    called = Path(sys.argv[0]).stem
    return "provision" if called == "provision" else "invoke"
