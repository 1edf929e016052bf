"""A tar archive that is unpacked on this machine while it comes."""

from __future__ import annotations

import os
import tarfile
import threading
from pathlib import Path


class Unpacked:
    """Unpacks into *target* what `take` gets; nothing goes outside of it."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._reader, self._writer = os.pipe()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._unpack, daemon=True)
        self._thread.start()

    def _unpack(self) -> None:
        try:
            with (
                os.fdopen(self._reader, "rb") as file,
                tarfile.open(fileobj=file, mode="r|") as archive,
            ):
                archive.extractall(self._target, filter="data")
                while file.read(2**16):  # what tar(1) puts behind the archive
                    pass
        except (OSError, tarfile.TarError) as error:
            self._failure = error

    def take(self, data: bytes) -> None:
        """Take the next bytes; after a failure they are dropped."""
        view = memoryview(data)
        try:
            while view and not self._failure:
                view = view[os.write(self._writer, view) :]
        except BrokenPipeError:
            return

    def end(self) -> Exception | None:
        """Wait for the end; return why it failed."""
        os.close(self._writer)
        self._thread.join()
        return self._failure
