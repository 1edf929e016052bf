"""The name of this program, and the person who runs it."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from pathlib import Path


def program() -> str:
    """Return the name to type: `invoke` in the repository, else `provision`."""
    called = Path(sys.argv[0]).stem
    return "provision" if called == "provision" else "invoke"


def runner() -> str:
    """Return the user and the machine of this process: `user@machine`."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = str(os.getuid())  # a container's user may have no name
    return f"{name}@{socket.gethostname()}"
