"""The working directory of a job, as the package that Ray unpacks on its nodes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from provision.errors import OptionError

LEFT_OUT = frozenset(
    (".git", "__pycache__", ".venv", ".provision", ".lab", ".mypy_cache")
)
"""Folders that no job needs."""
MOST_BYTES = 200 * 2**20
"""Largest package: Ray keeps it in the memory of the head."""
TIME = (1980, 1, 1, 0, 0, 0)
"""Time of each file in it: equal files make an equal package, which Ray has already."""


def package(folder: Path) -> tuple[str, bytes]:
    """Return the name of a package with all files of *folder*, and its content.

    Raises:
        OptionError: it is too large, or cannot be read.
    """
    content, size = io.BytesIO(), 0
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(folder):
            try:
                data = path.read_bytes()
            except OSError as error:
                raise OptionError(f"{path} cannot be read: {error.strerror}") from error
            size += len(data)
            if size > MOST_BYTES:
                raise OptionError(
                    f"{folder} has more than {MOST_BYTES >> 20} MB for a job to upload",
                    hint="give a smaller folder with --working-dir, and copy data by `cp`",
                )
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), TIME)
            info.external_attr = (path.stat().st_mode & 0xFFFF) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    data = content.getvalue()
    return f"_ray_pkg_{hashlib.sha256(data).hexdigest()[:32]}.zip", data


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and not LEFT_OUT.intersection(inside):
            yield path
