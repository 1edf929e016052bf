"""Files of the controller, written atomically: a reader sees the old or the new one.

A process that is killed meanwhile leaves at most a hidden file beside.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def replace(file: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the content of *file* by *data*; create missing folders with mode 0700.

    Raises:
        OSError: it cannot be written; the old file is unchanged.
    """
    with _temporary(file, data, mode) as temporary:
        temporary.replace(file)


def make(file: Path, data: bytes, mode: int = 0o600) -> None:
    """Create *file* with *data*; keep the file if it exists already.

    Raises:
        OSError: it cannot be written.
    """
    with (
        _temporary(file, data, mode) as temporary,
        contextlib.suppress(FileExistsError),
    ):
        os.link(temporary, file)


@contextlib.contextmanager
def _temporary(file: Path, data: bytes, mode: int) -> Iterator[Path]:
    """Write *data* to a temporary file beside *file*; remove it afterwards if it is left."""
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
