"""A file of this machine that is sent to many hosts: its digest is made once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from provision.errors import OptionError

BLOCK = 2**20


class LocalFile:
    """A file that is read for several hosts at once.

    Raises:
        OptionError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
        except OSError as error:
            raise OptionError(f"{path} cannot be read: {error.strerror}") from error
        self.size, self.mode = found.st_size, f"{found.st_mode & 0o7777:o}"
        self.key = f"{found.st_size:x}-{found.st_mtime_ns:x}"
        self._once = threading.Lock()
        self._digest = ""

    def digest(self) -> str:
        """Return its SHA-256; the first caller makes it, the others wait."""
        with self._once:
            if not self._digest:
                with self.path.open("rb", buffering=0) as file:
                    self._digest = hashlib.file_digest(file, "sha256").hexdigest()
            return self._digest

    def start_digest(self) -> None:
        """Begin to make its digest, beside other work."""
        threading.Thread(target=self.digest, daemon=True).start()

    def blocks(self, offset: int, sent: Callable[[int], object]) -> Iterator[bytes]:
        """Yield its content from *offset* on; *sent* gets the number of bytes of each."""
        with self.path.open("rb", buffering=0) as file:
            file.seek(offset)
            left = self.size - offset
            while left > 0 and (data := file.read(min(BLOCK, left))):
                yield data
                left -= len(data)
                sent(len(data))


@dataclass(frozen=True, slots=True)
class Found:
    """Answer of a host about a file before it is copied.

    Attributes:
        offset: bytes that an earlier attempt has brought there.
        digest: of a file with the same size that is there; "" = none.
    """

    offset: int
    digest: str

    @classmethod
    def read(cls, line: str) -> Found:
        """Return what *line*, `offset=N have=DIGEST`, says."""
        words = dict(word.partition("=")[::2] for word in line.split())
        return cls(int(words["offset"]), words["have"].strip("-"))
