"""The script that receives the files of an upload, and what is sent to it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from provision.errors import ApplyError
from provision.model.framing import PRELUDE
from provision.model.script import Script
from provision.model.shell import TIMED_OUT, Reply, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Upload

RECEIVE = read_shell(__file__, "receive.sh")
THERE = re.compile(r"done=(\d+) at=(\d+)\Z")
BLOCK_BYTES = 2**20
Stream = Callable[[Script, Callable[[str], Iterable[bytes]]], int]
"""Runs a script and sends it data, as `Transport.stream` does."""


@dataclass(frozen=True, slots=True)
class Receiving:
    """A script that receives files.

    Attributes:
        sh: what it runs.
        files: the paths of the files here and their sizes, in the order in which it
            takes them.
    """

    sh: Sh
    files: Sequence[tuple[Path, int]]

    def send(
        self,
        stream: Stream,
        *,
        become: bool,
        limit_s: float,
        stopped: threading.Event,
    ) -> Reply:
        """Run the script by *stream*, send what its host has not, and return its reply.

        Raises:
            ApplyError: a file cannot be read here.
        """
        errors, output = bytearray(), bytearray()
        code = stream(
            Script(
                f"{{\n{PRELUDE}\nset -eu\n{self.sh.render()}\nexit\n}}\n",
                become=become,
                limit_s=limit_s,
                stdout=output.extend,
                stderr=errors.extend,
            ),
            lambda line: self._content(line, stopped),
        )
        ended = code not in TIMED_OUT
        return Reply(_decode(output), _decode(errors), code, ended=ended)

    def _content(self, line: str, stopped: threading.Event) -> Iterator[bytes]:
        there = THERE.match(line)
        if not there:
            return  # the script ended before it could tell: its errors say why
        begun, offset = int(there[1]), int(there[2])
        left = self.files[begun:]
        offsets = [offset, *[0] * len(left)]
        blocks = (
            _blocks(path, at, size)
            for (path, size), at in zip(left, offsets, strict=False)
        )
        for block in chain.from_iterable(blocks):
            if stopped.is_set():
                return
            yield block


def receiving(upload: Upload) -> Receiving:
    """Return the script that receives the files of *upload*.

    Raises:
        ApplyError: a file is not there any more.
    """
    try:
        files = [(path, path.stat().st_size) for path in upload.files.values()]
    except OSError as error:
        raise _unreadable(error) from error
    words = chain.from_iterable(
        (name, str(size)) for name, (_, size) in zip(upload.files, files, strict=True)
    )
    return Receiving(Sh.of(RECEIVE, *words, folder=upload.folder), files)


def _blocks(path: Path, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of the file at *path* from *start* to *end*, as far as there are."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            while block := file.read(min(BLOCK_BYTES, end - start)):
                start += len(block)
                yield block
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> ApplyError:
    return ApplyError(
        f"{error.filename} cannot be read here: {error.strerror}",
        hint="see that it is there, and run this again",
    )


def _decode(data: bytearray) -> str:
    return data.decode("utf-8", "replace")
