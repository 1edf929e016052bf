"""The archive of Ray's Python sources at a commit, as it is sent to hosts."""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
from collections.abc import Iterator
from pathlib import Path

from provision.errors import RefusedError
from provision.ray.steps.source.git import GitError, git
from provision.ray.steps.source.repository import PACKAGE, Repository, kind

LINK_MODE = "120000"
LEFT_OUT = ("dashboard/client/",)
"""The sources of the dashboard's pages: the wheel has them built."""
VERSION_FILE = "_version.py"
COMMIT_MARKS = (b"{{RAY_COMMIT_SHA}}", b'commit = "dev"')
"""Text that Ray's own build replaces by the commit."""


def archive(repository: Repository, commit: str) -> Path:
    """Return the path of the archive, made if it is not here: .tar.gz, with `ray/...`.

    Raises:
        RefusedError: the repository cannot be reached, or git fails.
    """
    repository.fetched(commit)
    with repository.held() as folder:
        path = folder / f"{commit}.tar.gz"
        if not path.exists():
            new = path.with_suffix(".new")
            try:
                _write(folder, commit, new)
            except GitError as error:
                raise RefusedError(f"git cannot read {commit}: {error}") from error
            new.replace(path)
        return path


def _write(folder: Path, commit: str, path: Path) -> None:
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        for name, content, mode in _files(folder, commit, PACKAGE, depth=2):
            if name.startswith(LEFT_OUT):
                continue
            data = _with_commit(content, commit) if name == VERSION_FILE else content
            info = tarfile.TarInfo(f"ray/{name}")
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))


def _with_commit(content: bytes, commit: str) -> bytes:
    first, second = COMMIT_MARKS
    content = content.replace(first, commit.encode())
    return content.replace(second, f'commit = "{commit}"'.encode())


def _files(
    folder: Path, commit: str, inside: str, depth: int
) -> Iterator[tuple[str, bytes, int]]:
    """Yield the path below *inside*, the content and the mode of each file.

    A link to a folder of the repository, such as python/ray/rllib, is that folder.
    """
    packed = git("archive", "--format=tar", f"{commit}:{inside}", folder=folder)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar:
            if file := tar.extractfile(member) if member.isreg() else None:
                yield member.name, file.read(), 0o755 if member.mode & 0o100 else 0o644
            elif member.issym() and depth:
                at = posixpath.dirname(f"{inside}/{member.name}")
                target = posixpath.normpath(f"{at}/{member.linkname}")
                if kind(folder, f"{commit}:{target}") == "tree":
                    for name, content, mode in _files(
                        folder, commit, target, depth - 1
                    ):
                        yield f"{member.name}/{name}", content, mode
