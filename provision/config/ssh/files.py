"""The ssh_config files as they are now, with those that they include.

What ssh would read is read, and nothing else is: a file that ssh leaves out without a
word is left out, and one that makes it end is refused with its words.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from provision.config.ssh.lines import File, Line, parse
from provision.errors import InputError

USER_FILE = "~/.ssh/config"
SYSTEM_FILE = "/etc/ssh/ssh_config"
SYSTEM_FOLDER = "/etc/ssh"
MOST_INCLUDES = 16
"""Depth of Include that ssh allows."""
Stamp = tuple[int, int, int, int, int] | None


@dataclass(slots=True)
class ConfigFiles:
    """The lines of all files, in the order in which ssh reads them.

    Attributes:
        files: the user's file, then the system's; those that are there.
        contents: the bytes of every file that was read, by its path.
    """

    files: list[File] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    _stamps: dict[str, Stamp] = field(default_factory=dict)
    _globs: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, named: str | None = None) -> ConfigFiles:
        """Read the files that ssh reads; with `ssh -F`, the one that is *named*.

        Raises:
            InputError: ssh would refuse a file.
        """
        found, home = cls(), _user_folder()
        if named is None:
            found._read_if_there(str(Path(USER_FILE).expanduser()), home, check=True)
            found._read_if_there(SYSTEM_FILE, SYSTEM_FOLDER)
        elif named.lower() != "none":
            path = str(Path(named).expanduser())
            if not Path(path).exists():
                problem = "Can't open user config file: No such file or directory"
                raise InputError(problem, file=path)
            found.files.append(found._read(path, home, depth=0))
        return found

    @property
    def has_variables(self) -> bool:
        """True if a value may depend on a variable of the environment."""
        return any(b"$" in content for content in self.contents.values())

    @property
    def current(self) -> bool:
        """True while no file has changed and no pattern of Include finds others."""
        return all(_stamp(path) == old for path, old in self._stamps.items()) and all(
            _found(pattern) == old for pattern, old in self._globs.items()
        )

    def _read_if_there(self, path: str, base: str, *, check: bool = False) -> None:
        self._stamps[path] = _stamp(path)
        if os.access(path, os.R_OK):
            self.files.append(self._read(path, base, depth=0, check=check))

    def _read(self, path: str, base: str, *, depth: int, check: bool = False) -> File:
        """Read *path*, whose relative Includes are below *base*."""
        self._stamps[path] = _stamp(path)
        self.contents[path] = content = _content(path, check=check)
        lines = []
        for number, text in enumerate(content.split(b"\n"), start=1):
            line = parse(text.decode("utf-8", "surrogateescape"), path, number)
            if line and line.keyword == "include":
                line = replace(line, included=self._included(line, base, depth))
            if line:
                lines.append(line)
        return File(path, lines)

    def _included(self, line: Line, base: str, depth: int) -> Sequence[File] | None:
        if _only_ssh_finds(line, system=base == SYSTEM_FOLDER):
            return None
        if depth >= MOST_INCLUDES:
            problem = "Too many recursive configuration includes"
            raise InputError(problem, file=line.file, line=line.number)
        paths = [path for word in line.words for path in self._paths(word, base)]
        try:
            return [self._read(p, base, depth=depth + 1, check=True) for p in paths]
        except FileNotFoundError:  # it was there a moment ago
            return ()

    def _paths(self, word: str, base: str) -> list[str]:
        pattern = os.path.join(base, _in_home(word))  # noqa: PTH118 (a pattern)
        self._globs[pattern] = _found(pattern)
        return self._globs[pattern]


def _only_ssh_finds(line: Line, *, system: bool) -> bool:
    """Tell whether an Include has tokens, which later versions know, or is refused."""
    odd = any(not word or re.search(r"[%$]", word) for word in line.words)
    home = any(word.startswith("~") for word in line.words)
    return odd or not line.words or (system and home)


def _in_home(word: str) -> str:
    try:
        return str(Path(word).expanduser())
    except RuntimeError:  # there is no such user
        return word


def _user_folder() -> str:
    return str(Path(USER_FILE).expanduser().parent)


def _found(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern), key=os.fsencode)  # noqa: PTH207 (text)


def _stamp(path: str) -> Stamp:
    try:
        now = Path(path).stat()
    except OSError:
        return None
    return now.st_mtime_ns, now.st_size, now.st_ino, now.st_mode, now.st_uid


def _content(path: str, *, check: bool) -> bytes:
    """Return the bytes of *path*; a folder has none, as for ssh.

    Raises:
        InputError: it cannot be read, or others may change it (only with *check*).
    """
    try:
        now = Path(path).stat()
        if check and (now.st_uid not in (0, os.getuid()) or now.st_mode & 0o022):
            raise InputError(
                f"Bad owner or permissions on {path}",
                hint=f"others could change it: chmod go-w {path}",
                file=path,
            )
        if stat.S_ISDIR(now.st_mode) or path == os.devnull:
            return b""
        if not stat.S_ISREG(now.st_mode):
            raise InputError("is not a regular file", file=path)
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        problem = f"Can't open user config file {path}: {error.strerror or error}"
        raise InputError(problem, file=path) from error
