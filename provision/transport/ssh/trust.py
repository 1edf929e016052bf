"""Accepting host keys: which hosts show one that is not known, and writing it down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from provision.atomic_file import replace
from provision.config.inventory import Host
from provision.errors import ConnectError, InputError, UnknownHostKeyError
from provision.file_lock import folder_lock

MODE = 0o644
"""Of a new known_hosts file: public keys are for everybody to compare with."""
Check = Callable[[Host], None]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A key that nothing knows.

    Attributes:
        name: the host as known_hosts files write it, `name` or `[name]:port`.
        key: `TYPE BASE64`.
        fingerprint: `SHA256:...`.
        file: where it would be written.
        jump: whether it is the key of a jump host.
        hosts: the hosts of the inventory it belongs to, or that one is in the way to.
    """

    name: str
    key: str
    fingerprint: str
    file: Path
    jump: bool
    hosts: tuple[str, ...]

    @property
    def line(self) -> str:
        """The line for the file."""
        return f"{self.name} {self.key}"


@dataclass(slots=True)
class Seen:
    """What a look at the keys of hosts came to.

    Attributes:
        known: the hosts that showed the key they are known by.
        unknown: keys to be accepted; of hosts behind a jump host, first that one's.
        errors: why the others could not be seen, or are refused: by host.
    """

    known: list[str] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    errors: dict[str, ConnectError] = field(default_factory=dict)


def look(hosts: Iterable[Host], *, forks: int, check: Check | None = None) -> Seen:
    """See which keys *hosts* show, all at once; nobody logs in to them.

    Args:
        hosts: those without SSH are left out.
        forks: how many at a time.
        check: sees one host's key.
    """
    remote = [host for host in hosts if host.connection != "local"]
    seen, found = Seen(), list[tuple[Host, UnknownHostKeyError]]()
    with ThreadPoolExecutor(min(forks, len(remote)) or 1) as pool:
        outcomes = pool.map(_checked(check or _check()), remote)
        for host, error in zip(remote, outcomes, strict=True):
            if error is None:
                seen.known.append(host.name)
            elif isinstance(error, UnknownHostKeyError):
                found.append((host, error))
            else:
                seen.errors[host.name] = error
    seen.unknown = list(_together(found))
    return seen


def accept(keys: Sequence[Unknown]) -> list[Path]:
    """Write *keys* to their files, which are replaced in one piece.

    Returns:
        The files.

    Raises:
        InputError: a file cannot be written; it is as it was.
    """
    files = list(dict.fromkeys(key.file for key in keys))
    for file in files:
        try:
            _add(file, [key.line for key in keys if key.file == file])
        except OSError as error:
            problem = f"cannot be written: {error.strerror or error}"
            hint = "no key was added to it; name another file by `known_hosts`"
            raise InputError(problem, hint=hint, file=str(file)) from error
    return files


def _check() -> Check:
    from provision.transport.ssh import check_key

    return check_key


def _checked(check: Check) -> Callable[[Host], ConnectError | None]:
    def outcome(host: Host) -> ConnectError | None:
        try:
            check(host)
        except ConnectError as error:
            return error
        return None

    return outcome


def _together(found: Iterable[tuple[Host, UnknownHostKeyError]]) -> Iterator[Unknown]:
    """Each key once: hosts may share a jump host."""
    hosts: dict[tuple[str, str, str, Path, bool], list[str]] = {}
    for host, error in found:
        key = (error.name, error.key, error.fingerprint, error.file, error.jump)
        hosts.setdefault(key, []).append(host.name)
    for key, names in hosts.items():
        yield Unknown(*key, tuple(names))


def _add(file: Path, lines: Sequence[str]) -> None:
    """Add the *lines* that *file* does not have; of two who do so, both are in it."""
    file = file.resolve()  # a link stays one
    with folder_lock(file.parent):
        old = file.read_bytes() if file.exists() else b""
        mode = file.stat().st_mode & 0o777 if file.exists() else MODE
        there = set(old.decode("utf-8", "replace").splitlines())
        new = [line for line in dict.fromkeys(lines) if line not in there]
        gap = b"\n" if old and not old.endswith(b"\n") else b""
        replace(file, old + gap + "".join(f"{n}\n" for n in new).encode(), mode)
