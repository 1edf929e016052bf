"""A file or a folder of this machine to one host."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from provision.engine.on_hosts.copy.local_file import BLOCK, Found, LocalFile
from provision.engine.on_hosts.copy.on_host import RECEIVE, RECEIVE_TREE, SETTLE
from provision.engine.on_hosts.copy.session import CopySession
from provision.errors import ConnectionLost, HostError
from provision.model.shell import Sh
from provision.transport.protocol import Source

LARGE = 4 * 2**20
"""Size from which on a file of a folder is sent by itself, so that it can be resumed."""
SHORT = 93
"""Exit code of a script that got less than it was to get."""


def upload_file(session: CopySession, file: LocalFile, path: str, name: str) -> None:
    """Bring *file* to *path* of the host, or into it if that is a folder.

    Raises:
        HostError: the host does not take it, or it is another one there afterwards.
    """
    got = session.resumed(lambda: _send(session, file, path, name))
    if not got:  # it was there already
        return
    right = got == file.digest()
    settle = Sh.of(
        SETTLE, path=path, name=name, key=file.key, is_right=right, mode=file.mode
    )
    first, code, errors = session.run(settle)
    if code:
        raise session.refusal(first, errors, f"{name} cannot be put in its place")
    if not right:
        raise HostError(
            f"{session.host.name}: {name} is not what was sent: its checksum differs",
            hint="copy it again; if it changes while it is copied, copy it from elsewhere",
        )


def _send(session: CopySession, file: LocalFile, path: str, name: str) -> str:
    """Make an attempt to send *file*; return the digest it has there, "" = it was there."""
    printed, before = bytearray(), session.bytes
    sh = Sh.of(RECEIVE, path=path, name=name, key=file.key, size=file.size)
    content = _content(session, file)
    first, code, errors = session.run(sh, content, printed.extend)
    if code == SHORT:
        raise ConnectionLost(f"{session.host.name}: the copy was cut off")
    if code:
        session.moved(before - session.bytes)
        raise session.refusal(first, errors, f"{name} was not copied")
    return printed.decode().strip()


def _content(session: CopySession, file: LocalFile) -> Source:
    """Return the source of what *file* has and the host has not."""

    def content(line: str) -> Iterator[bytes]:
        if not line.startswith("offset="):
            return
        found = Found.read(line)
        if found.digest and found.digest == file.digest():
            yield b"same\n"
            session.moved(file.size)
            return
        yield b"send\n"
        session.moved(found.offset)
        yield from file.blocks(found.offset, session.moved)

    return content


def upload_folder(session: CopySession, folder: Path, path: str, name: str) -> None:
    """Bring *folder* to *path* of the host, or into it if that is there.

    Raises:
        HostError: the host does not take it.
    """

    def attempt() -> str:
        sh = Sh.of(RECEIVE_TREE, path=path, name=name)
        first, code, errors = session.run(sh, lambda line: _archive(session, folder))
        if code:
            raise session.refusal(first, errors, f"{name} was not copied")
        return first

    there = session.resumed(attempt)
    for file in _large(folder):
        inside = PurePosixPath(there, file.relative_to(folder).as_posix())
        local = LocalFile(file)
        local.start_digest()
        upload_file(session, local, str(inside), file.name)


def _large(folder: Path) -> Iterator[Path]:
    """Yield the files below *folder* that are sent by themselves."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size > LARGE:
            yield path


def _archive(session: CopySession, folder: Path) -> Iterator[bytes]:
    """Yield a tar archive of *folder*, without its large files."""
    reader, writer = os.pipe()
    failed: list[Exception] = []

    def wanted(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if info.isreg() and info.size > LARGE else info

    def write() -> None:
        try:
            with (
                os.fdopen(writer, "wb") as file,
                tarfile.open(fileobj=file, mode="w|", bufsize=BLOCK) as archive,
            ):
                archive.add(folder, arcname=".", filter=wanted)
        except BrokenPipeError:
            pass  # nobody reads it any more
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    with os.fdopen(reader, "rb", buffering=0) as file:
        while data := file.read(BLOCK):
            yield data
            session.moved(len(data))
    thread.join()
    if failed:
        raise HostError(f"{folder} cannot be read: {failed[0]}")
