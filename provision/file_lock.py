"""A lock between programs on this machine that leaves no lock file behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def folder_lock(
    folder: Path, on_wait: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Hold the lock of *folder*; wait while another program or thread holds it.

    Args:
        folder: an existing folder, which is not changed.
        on_wait: called once if the lock is not free.

    Raises:
        OSError: *folder* cannot be opened.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
