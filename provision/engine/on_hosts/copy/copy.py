"""Copies between this machine and many hosts."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from provision.config.inventory import Host
from provision.engine.each_host import Results, on_each
from provision.engine.on_hosts.copy.download import download
from provision.engine.on_hosts.copy.local_file import LocalFile
from provision.engine.on_hosts.copy.on_host import CONTAINER
from provision.engine.on_hosts.copy.place import Place
from provision.engine.on_hosts.copy.session import CopySession
from provision.engine.on_hosts.copy.upload import upload_file, upload_folder
from provision.errors import HostError, OptionError
from provision.model.shell import Sh
from provision.transport.protocol import InteractiveTransport

STAGING = "/var/tmp/provision-cp"  # noqa: S108 - the rest of its name is random


@dataclass(frozen=True, slots=True)
class Copied:
    """The result of a copy on one host.

    Attributes:
        bytes: how many were brought there, those of an earlier attempt among them.
        target: where it is now.
    """

    bytes: int
    target: str


def ignore(host: str, event: object) -> None:
    """Do nothing."""


def copy(
    hosts: Sequence[Host],
    source: Place,
    target: Place,
    *,
    forks: int,
    container: str = "",
    become: bool = True,
    moved: Callable[[str, int], object] = ignore,
    lost: Callable[[str, HostError], object] = ignore,
    done: Callable[[str, Copied | HostError], object] = ignore,
) -> Results[Copied]:
    """Copy *source* to *target*, one of which is on all *hosts*.

    From several hosts each has a folder of its own name in the target.

    Args:
        hosts: the hosts.
        source: a file or a folder.
        target: its new place, or a folder to put it into.
        forks: the most hosts to copy with at a time.
        container: the path is in this container of each host; "" = on the host.
        become: as root, if the inventory allows it.
        moved: called with a host and a number of bytes, as they go.
        lost: called with a host when its connection was lost, before the next attempt.
        done: called with a host and its result, as it ends.
    """
    uploads = bool(target.pattern)
    local = _local(source) if uploads else None
    several, stopped = len(hosts) > 1, threading.Event()

    def on_one(host: Host, connection: InteractiveTransport) -> Copied:
        session = CopySession(
            host, connection, become=become, stopped=stopped, moved=moved, lost=lost
        )
        with _staged(session, container, source, target) as path:
            if uploads:
                _upload(session, source, local, path)
                return Copied(session.bytes, target.path)
            folder = Path(target.path) / host.name if several else Path(target.path)
            inside = several or folder.is_dir() or target.path.endswith("/")
            there = folder / source.name if inside else folder
            download(session, path, there)
            return Copied(session.bytes, str(there))

    return on_each(hosts, on_one, forks=forks, stopped=stopped, done=done)


def _local(source: Place) -> LocalFile | None:
    """Return the local file to send; None if it is a folder."""
    path = Path(source.path)
    if path.is_dir():
        return None
    if not path.is_file():
        raise OptionError(f"{path} is neither a file nor a folder")
    file = LocalFile(path)
    file.start_digest()
    return file


def _upload(
    session: CopySession, source: Place, local: LocalFile | None, path: str
) -> None:
    if local:
        upload_file(session, local, path, source.name)
    else:
        upload_folder(session, Path(source.path), path, source.name)


@contextmanager
def _staged(
    session: CopySession, container: str, source: Place, target: Place
) -> Iterator[str]:
    """Yield the path on the host; of a container, of a folder to copy by way of."""
    on_host = target if target.pattern else source
    if not container:
        yield on_host.path
        return
    staging = f"{STAGING}-{secrets.token_hex(6)}"

    def step(way: str) -> None:
        sh = Sh.of(
            CONTAINER,
            container=container,
            path=on_host.path,
            staging=staging,
            way=way,
        )
        first, code, errors = session.run(sh)
        if code:
            raise session.refusal(first, errors, f"{source.name} was not copied")

    upload = bool(target.pattern)
    step("new" if upload else "out")
    try:
        yield f"{staging}/" if upload else f"{staging}/{on_host.name}"
        if upload:
            step("in")
    finally:
        step("end")
