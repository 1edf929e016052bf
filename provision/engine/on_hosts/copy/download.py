"""A file or a folder of one host to this machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from provision.engine.on_hosts.copy.on_host import SEND, SEND_TREE
from provision.engine.on_hosts.copy.session import CopySession
from provision.engine.on_hosts.copy.unpacked import Unpacked
from provision.engine.on_hosts.copy.upload import LARGE
from provision.errors import ConnectionLost, HostError
from provision.model.shell import Sh

LARGE_BLOCKS = LARGE // 512
"""As find(1) counts the size of a file."""
DIGEST_LENGTH = 64
FOLDER = "folder"


class _Part:
    """The part of a file that has come, and what comes behind it: its digest.

    Args:
        target: the file to be.
    """

    def __init__(self, session: CopySession, target: Path) -> None:
        self._session, self._target = session, target
        self.size, self.mode = -1, 0o600
        self.path = target
        self.trailer = bytearray()
        self._left = 0
        self._sha = hashlib.sha256()
        self._file = -1

    def begin(self, line: str) -> Iterator[bytes]:
        """Answer the first line of the host with the offset to begin at."""
        kind, *words = line.split()
        if kind != "file":
            return
        size, time, mode = words
        self.size, self.mode = int(size), int(mode, 8)
        name = f".{self._target.name}.provision-{self.size:x}-{int(time):x}"
        self.path = self._target.with_name(name)
        try:
            self._open()
        except OSError as error:
            raise HostError(_unwritable(self._target, error)) from error
        offset = os.lseek(self._file, 0, os.SEEK_END)
        self._left = self.size - offset
        self._session.moved(offset)
        yield b"%d\n" % offset

    def _open(self) -> None:
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._file).st_size > self.size:
            os.ftruncate(self._file, 0)
        while data := os.read(self._file, 2**20):
            self._sha.update(data)

    def take(self, data: bytes) -> None:
        """Take the next bytes."""
        content = data[: self._left]
        self.trailer += data[len(content) :]
        if not content:
            return
        self._left -= len(content)
        self._sha.update(content)
        view = memoryview(content)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise HostError(_unwritable(self._target, error)) from error
        self._session.moved(len(content))

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @property
    def complete(self) -> bool:
        return self._left == 0 and len(self.trailer) >= DIGEST_LENGTH

    @property
    def right(self) -> bool:
        """True if its digest is what the host says."""
        return self._sha.hexdigest() == self.trailer.decode().strip()


def _unwritable(target: Path, error: OSError) -> str:
    return f"{target} cannot be written on this machine: {error.strerror}"


def download(session: CopySession, path: str, target: Path) -> None:
    """Bring *path* of the host, a file or a folder, to *target*.

    Raises:
        HostError: it is not there, cannot be read, or came as another one.
    """
    if session.resumed(lambda: _file(session, path, target)) == FOLDER:
        _folder(session, path, target)


def _file(session: CopySession, path: str, target: Path) -> str:
    """Make an attempt to bring a file; return `folder` if it is one."""
    part = _Part(session, target)
    try:
        sh = Sh.of(SEND, path=path)
        first, code, errors = session.run(sh, part.begin, part.take)
    finally:
        part.close()
    if first == FOLDER:
        return FOLDER
    if code or part.size < 0:
        raise session.refusal(first, errors, f"{path} was not copied")
    if not part.complete:
        raise ConnectionLost(f"{session.host.name}: the copy was cut off")
    if not part.right:
        part.path.unlink()
        raise HostError(
            f"{session.host.name}: {path} is not what the host has: its checksum differs",
            hint="copy it again; a file that is written to meanwhile cannot be checked",
        )
    part.path.chmod(part.mode & 0o777)
    part.path.replace(target)
    return ""


def _folder(session: CopySession, path: str, target: Path) -> None:
    # Hosts that are copied at once may share it.
    target.mkdir(parents=True, exist_ok=True)
    session.resumed(lambda: _small_files(session, path, target))
    names = session.resumed(lambda: _large_files(session, path))
    for name in names:
        session.resumed(partial(_file, session, f"{path}/{name}", target / name))


def _tree(path: str, *, only_names: bool) -> Sh:
    size = LARGE_BLOCKS
    return Sh.of(SEND_TREE, path=path, larger_than=size, only_names=only_names)


def _large_files(session: CopySession, path: str) -> list[str]:
    printed = bytearray()
    first, code, errors = session.run(_tree(path, only_names=True), sink=printed.extend)
    if code:
        raise session.refusal(first, errors, f"{path} was not copied")
    names = printed.decode(errors="surrogateescape").split("\0")
    return [name.removeprefix("./") for name in names if name]


def _small_files(session: CopySession, path: str, target: Path) -> None:
    unpacked = Unpacked(target)

    def take(data: bytes) -> None:
        session.moved(len(data))
        unpacked.take(data)

    try:
        first, code, errors = session.run(_tree(path, only_names=False), sink=take)
    finally:
        failure = unpacked.end()
    if code:
        raise session.refusal(first, errors, f"{path} was not copied")
    if failure:
        raise HostError(f"{session.host.name}: {target} cannot be written: {failure}")
