"""The transport to this machine."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace

from provision.errors import ConnectError, ConnectionLost
from provision.model.script import Script
from provision.transport import local_process
from provision.transport.protocol import HeldScript, Source
from provision.transport.remote_shell import END_WAIT_S, RemoteShell, first_line
from provision.transport.streaming import Feeder, FirstLine
from provision.transport.sudo_password import Password
from provision.transport.watchdog import heartbeats, with_watchdog


class LocalTransport:
    """Runs scripts on this machine; implements Transport without a connection.

    Args:
        password: sent if sudo asks for it.
    """

    quantum_safe = True

    def __init__(self, password: Password | None = None) -> None:
        self._password = password
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = True

    def open(self) -> None:
        """Allow scripts to run."""
        self._closed = False

    def close(self) -> None:
        """Kill the process groups of the scripts that run; from any thread."""
        with self._lock:
            self._closed = True
            for child in self._running:
                local_process.terminate(child)

    def run(self, script: Script) -> int:
        """Run *script* on this machine; see `Transport.run`."""
        shell = RemoteShell(
            "localhost",
            with_watchdog(script),
            sudo=script.become and os.geteuid() != 0,
            password=self._password,
        )
        with shell, self._started(shell) as child:
            code = local_process.communicate(child, shell)
            self._check_open()
            return shell.result(code)

    def _check_open(self) -> None:
        if self._closed:
            raise ConnectionLost("the local transport was closed")

    def stream(self, script: Script, source: Source) -> int:
        """Run *script*, and send it data; see `InteractiveTransport.stream`."""
        first = FirstLine(script.stdout)
        shell = RemoteShell(
            "localhost",
            replace(script, stdout=first),
            sudo=script.become and os.geteuid() != 0,
            password=self._password,
        )
        with shell, self._started(shell) as child:
            send, end = local_process.input_of(child)
            feeder = Feeder(first, source, send, end)
            until = feeder.start_when_ready
            code = local_process.communicate(child, shell, until=until)
            self._check_open()
            feeder.check()
            return shell.result(code)

    def terminal(self, command: str) -> int:
        """Run *command* on our terminal; see `InteractiveTransport.terminal`."""
        return subprocess.call(["sh", "-c", command])

    def tunnel(self, host: str, port: int) -> socket.socket:
        """Connect; see `InteractiveTransport.tunnel`."""
        try:
            return socket.create_connection((host, port), 10)
        except OSError as error:
            raise ConnectError(
                f"cannot connect to {host}:{port} ({error})",
                hint="see that something listens there",
            ) from error

    @contextlib.contextmanager
    def hold(self, script: Script) -> Iterator[HeldScript]:
        """Keep *script* running; see `Transport.hold`."""
        out, err = bytearray(), bytearray()
        shell = RemoteShell(
            "localhost",
            replace(script, stdout=out.extend, stderr=err.extend),
            sudo=script.become and os.geteuid() != 0,
            password=self._password,
        )
        with shell, self._started(shell) as child:
            code = local_process.communicate(child, shell, until=lambda: b"\n" in out)
            self._check_open()
            line = first_line(shell, code, out, err)
            try:
                with heartbeats(lambda data: local_process.write(child, data)):
                    yield HeldScript(line, lambda: child.poll() is None)
            finally:
                local_process.close_pipes(child)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(END_WAIT_S)

    @contextlib.contextmanager
    def _started(self, shell: RemoteShell) -> Iterator[subprocess.Popen[bytes]]:
        """Start the command of *shell* in a process group that ends with the context."""
        with self._lock:
            if self._closed:
                raise ConnectionLost("the local transport is closed")
            child = local_process.start(shell.argv)
            self._running.add(child)
        try:
            yield child
        finally:
            local_process.close_pipes(child)
            if child.poll() is None:
                local_process.terminate(child)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(END_WAIT_S)
            with self._lock:
                self._running.discard(child)
