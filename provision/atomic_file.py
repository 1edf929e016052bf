"""Files of this machine written in one piece: whoever reads sees the old or the new one.

That holds for a run that is killed, too; what it may leave is a hidden file beside.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def replace(file: Path, data: bytes, mode: int = 0o600) -> None:
    """Make *data* the content of *file*; folders that are missing are made, for us only.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    with _beside(file, data, mode) as part:
        part.replace(file)


def make(file: Path, data: bytes, mode: int = 0o600) -> None:
    """The same where there is no *file*; of two that do so at once, one wins.

    Raises:
        OSError: it cannot be written.
    """
    with _beside(file, data, mode) as part, contextlib.suppress(FileExistsError):
        os.link(part, file)


@contextlib.contextmanager
def _beside(file: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A file with *data* beside *file*, gone afterwards if it still is there."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            os.fchmod(out.fileno(), mode)
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        yield Path(part)
    finally:
        Path(part).unlink(missing_ok=True)
