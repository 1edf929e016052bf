"""Unknown host keys: found on many hosts at once, and added to known_hosts files."""

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
"""Mode of a new known_hosts file, which everybody may read."""
Check = Callable[[Host], None]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An unknown host key.

    Attributes:
        name: the host as known_hosts files write it, `name` or `[name]:port`.
        key: `TYPE BASE64`.
        fingerprint: `SHA256:...`.
        file: the file to add it to.
        jump: true for the key of a jump host.
        hosts: the hosts of the inventory that show it, or that lie behind that jump host.
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
class ScannedKeys:
    """The result of scanning the keys of hosts.

    Attributes:
        known: hosts that showed their known key.
        unknown: keys to be accepted; that of a jump host hides those of hosts behind it.
        errors: by host, why its key could not be read, or is refused.
    """

    known: list[str] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    errors: dict[str, ConnectError] = field(default_factory=dict)


def scan_host_keys(
    hosts: Iterable[Host], *, forks: int, check: Check | None = None
) -> ScannedKeys:
    """Check the keys of *hosts* against the known ones, without logging in.

    Args:
        hosts: those without SSH are left out.
        forks: most hosts at a time.
        check: checks the key of one host; raises an error unless it is known.
    """
    remote = [host for host in hosts if host.connection != "local"]
    scanned, found = ScannedKeys(), list[tuple[Host, UnknownHostKeyError]]()
    with ThreadPoolExecutor(min(forks, len(remote)) or 1) as pool:
        outcomes = pool.map(_checked(check or _check()), remote)
        for host, error in zip(remote, outcomes, strict=True):
            if error is None:
                scanned.known.append(host.name)
            elif isinstance(error, UnknownHostKeyError):
                found.append((host, error))
            else:
                scanned.errors[host.name] = error
    scanned.unknown = list(_together(found))
    return scanned


def accept_host_keys(keys: Sequence[Unknown]) -> list[Path]:
    """Add *keys* to their known_hosts files, each replaced atomically.

    Returns:
        The files.

    Raises:
        InputError: a file cannot be written; it is unchanged.
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
    """Yield each key once: hosts may share a jump host."""
    hosts: dict[tuple[str, str, str, Path, bool], list[str]] = {}
    for host, error in found:
        key = (error.name, error.key, error.fingerprint, error.file, error.jump)
        hosts.setdefault(key, []).append(host.name)
    for key, names in hosts.items():
        yield Unknown(*key, tuple(names))


def _add(file: Path, lines: Sequence[str]) -> None:
    """Add the *lines* that *file* lacks; concurrent calls lose no line."""
    file = file.resolve()  # a link stays one
    with folder_lock(file.parent):
        old = file.read_bytes() if file.exists() else b""
        mode = file.stat().st_mode & 0o777 if file.exists() else MODE
        there = set(old.decode("utf-8", "replace").splitlines())
        new = [line for line in dict.fromkeys(lines) if line not in there]
        gap = b"\n" if old and not old.endswith(b"\n") else b""
        replace(file, old + gap + "".join(f"{n}\n" for n in new).encode(), mode)
