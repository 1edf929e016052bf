"""Data for the standard input of a script that is already running."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable

from provision.model.script import Sink
from provision.transport.protocol import Source

LONGEST_LINE = 4096
"""Bytes after which a first line is taken as it is."""


class FirstLine:
    """A sink that keeps the first line of a stream, and passes on the rest.

    Attributes:
        line: the first line; None until it has come.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._held = bytearray()
        self.line: str | None = None

    def __call__(self, data: bytes) -> None:
        if self.line is not None:
            self._sink(data)
            return
        self._held += data
        line, end, rest = bytes(self._held).partition(b"\n")
        if end or len(line) > LONGEST_LINE:
            self.line = line.decode(errors="replace")
            if rest:
                self._sink(rest)


class Feeder:
    """Sends what a source yields, from a thread, once the first line has come.

    Args:
        first: the first line.
        source: gets that line.
        send: sends some bytes.
        end: ends the standard input of the script.
    """

    def __init__(
        self,
        first: FirstLine,
        source: Source,
        send: Callable[[bytes], object],
        end: Callable[[], object],
    ) -> None:
        self._first, self._source = first, source
        self._send, self._end = send, end
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start_when_ready(self) -> bool:
        """Start if the first line has come; return False, for `until`."""
        if self._thread is None and self._first.line is not None:
            data = self._source(self._first.line)
            self._thread = threading.Thread(
                target=self._feed, args=(data,), daemon=True
            )
            self._thread.start()
        return False

    def _feed(self, data: Iterable[bytes]) -> None:
        try:
            for part in data:
                self._send(part)
        except (OSError, EOFError, ValueError) as error:
            # The script ended, or the connection did: its exit code says more than this.
            self._error = error if isinstance(error, FileNotFoundError) else None
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            self._error = error
        finally:
            with contextlib.suppress(OSError, EOFError, ValueError):
                self._end()

    def check(self) -> None:
        """Raise the error with which the source ended; tell it a line that came last."""
        if self._thread is None and self._first.line is not None:
            self._source(self._first.line)
        if self._error:
            raise self._error
