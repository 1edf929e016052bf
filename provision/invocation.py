"""What this program is called, and who runs it."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from pathlib import Path


def program() -> str:
    """How the user calls this: `invoke` in the repository, else `provision`.

    For the commands that errors tell a person to type.
    """
    called = Path(sys.argv[0]).stem
    return "provision" if called == "provision" else "invoke"


def runner() -> str:
    """Who runs this, and on which machine: `user@machine`."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = str(os.getuid())  # a container's user may have no name
    return f"{name}@{socket.gethostname()}"
