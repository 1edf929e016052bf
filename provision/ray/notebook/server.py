"""JupyterLab as it runs in the head's container, in a thread."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import Any

from provision.engine.on_hosts.command import Output
from provision.errors import HostError
from provision.model.shell_file import read_shell
from provision.ray.notebook.python import FOLDER, HeadContainer, last_lines
from provision.transport.streaming import FirstLine

SERVE = read_shell(__file__, "serve.sh")
BEGINS_S = 120.0
"""Seconds that JupyterLab has to begin."""
ENDS_S = 5.0


class Server:
    """JupyterLab as it runs, in a thread, until it ends or is stopped."""

    def __init__(self, head: HeadContainer, python: str, idle_s: int) -> None:
        self._head = head
        self._came, self._ended = threading.Event(), threading.Event()
        self._first = FirstLine(lambda data: None)
        self._result: Output | HostError | None = None
        words = ("sh", "-euc", SERVE, "sh", python, FOLDER, str(idle_s))
        self._thread = threading.Thread(target=self._work, args=words, daemon=True)
        self._thread.start()

    def _work(self, *words: str) -> None:
        try:
            self._result = self._head.run(*words, stdout=self._take)
        except HostError as error:
            self._result = error
        finally:
            self._ended.set()
            self._came.set()

    def _take(self, data: bytes) -> None:
        self._first(data)
        if self._first.line is not None:
            self._came.set()

    def facts(self) -> dict[str, Any]:
        """Return what JupyterLab says about itself, once it listens.

        Raises:
            HostError: it has ended, or does not begin.
        """
        self._came.wait(BEGINS_S)
        if self._first.line is None:
            self._raise()
            raise HostError(
                f"{self._head.name}: JupyterLab did not begin in {BEGINS_S:g} s"
            )
        found: dict[str, Any] = json.loads(self._first.line)
        return found

    def wait(self) -> None:
        """Wait until it ends by itself.

        Raises:
            HostError: it failed, or the connection was lost.
        """
        while not self._ended.wait(0.2):
            pass
        self._raise()

    def _raise(self) -> None:
        """Raise what has ended it, if that was no idleness."""
        if isinstance(self._result, HostError):
            raise self._result
        if self._result and self._result.exit:
            lines = last_lines(self._result)
            raise HostError(
                f"{self._head.name}: JupyterLab has ended: {lines[-1]}",
                details=lines[:-1],
            )

    def stop(self) -> None:
        """End it; without a connection it ends by itself when nobody uses it."""
        if self._ended.is_set() or self._first.line is None:
            return
        pid = str(json.loads(self._first.line)["pid"])
        with contextlib.suppress(HostError):
            self._head.run("sh", "-c", 'kill "$1"', "sh", pid)
        self._ended.wait(ENDS_S)
