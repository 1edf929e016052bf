"""Scripts of a copy over the connection to one host, which is opened again when it is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from provision.config.inventory import Host
from provision.errors import ConnectionLost, HostError
from provision.model.framing import PRELUDE
from provision.model.script import Script, Sink, discard
from provision.model.shell import Sh
from provision.transport.protocol import InteractiveTransport, Source
from provision.transport.retry import connect_with_retry

LOSSES = 5
"""Lost connections in a row, without a byte between them, after which a copy fails."""
PAUSE_S = 1.0
Value = TypeVar("Value")


class CopySession:
    """One host of a copy.

    Args:
        host: the host.
        connection: open.
        become: copy as root there.
        stopped: set when a person has interrupted it.
        moved: called with the number of bytes, as they go either way.
        lost: called with the error when the connection is lost, before the next attempt.

    Attributes:
        bytes: number of bytes that went either way.
    """

    def __init__(
        self,
        host: Host,
        connection: InteractiveTransport,
        *,
        become: bool,
        stopped: threading.Event,
        moved: Callable[[str, int], object],
        lost: Callable[[str, HostError], object],
    ) -> None:
        self.host = host
        self.bytes = 0
        self._connection = connection
        self._become = become and host.become
        self._moved, self._lost, self._stopped = moved, lost, stopped

    def moved(self, count: int) -> None:
        """Count *count* bytes that went either way."""
        self.bytes += count
        self._moved(self.host.name, count)

    def run(
        self, sh: Sh, source: Source = lambda line: (), sink: Sink = discard
    ) -> tuple[str, int, str]:
        """Run *sh*, which gets what *source* yields after its first line.

        Returns:
            The first line, the exit code, and its errors.
        """
        errors, first = bytearray(), ""

        def after(line: str) -> object:
            nonlocal first
            first = line
            return source(line)

        text = f"{{\n{PRELUDE}\nset -u\n{sh.render()}\nexit\n}}\n"
        script = Script(text, become=self._become, stdout=sink, stderr=errors.extend)
        code = self._connection.stream(script, after)  # type: ignore[arg-type]
        return first, code, errors.decode(errors="replace").strip()

    def resumed(self, attempt: Callable[[], Value]) -> Value:
        """Return what *attempt* returns; make it again when the connection was lost.

        Raises:
            ConnectionLost: it was lost too often, or by a person's Ctrl-C.
        """
        losses, before = 0, -1
        while True:
            try:
                return attempt()
            except ConnectionLost as error:
                losses = 1 if self.bytes > before else losses + 1
                before = self.bytes
                if losses > LOSSES or self._stopped.is_set():
                    raise
                self._lost(self.host.name, error)
                self._connection.close()
                self._stopped.wait(PAUSE_S)
                connect_with_retry(self._connection, lambda *about: None)

    def refusal(self, first: str, errors: str, what: str) -> HostError:
        """Return the error of a script that failed."""
        kind, _, words = first.partition(" ")
        lines = errors.splitlines()
        why = (
            words if kind == "refused" else (lines[-1] if lines else "no reason given")
        )
        return HostError(f"{self.host.name}: {what}: {why}", details=lines[:-1][-5:])
