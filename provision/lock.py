"""One run at a time may change a cluster: a lock on its head, held by a connection.

The kernel's lock lives as long as the shell that holds it, and that shell as long as
our channel. So the lock of a killed controller vanishes by itself.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

from provision.errors import ConnectError, HostError, LockHeldError
from provision.shell import Sh
from provision.transport import Transport

HOLD = r"""
file=/run/lock/provision-$cluster.lock
for try in 1 2 3; do
    exec 9>>"$file"
    if ! flock -n 9; then
        printf 'held %s\n' "$(cat "$file")"
        exit
    fi
    # The last owner may have removed the file between our open and our lock.
    [ "$(stat -c %i "$file" 2>/dev/null)" = "$(stat -L -c %i /dev/fd/9)" ] && break
done
printf '%s\n' "$owner" >"$file"
trap 'rm -f "$file"; exit' EXIT HUP INT TERM
printf 'mine\n'
cat >/dev/null
"""
"""Answers `mine` and stays until standard input ends, or `held OWNER`."""


class ClusterLock:
    """Taken before the first change of a run, released when the run ends.

    Args:
        cluster: its name; different clusters may share a host.
        connect: gives an unopened transport to the head.
        become: whether the lock's file is made as root.
        warn: told when the head cannot be reached: the run goes on without a lock,
            because the rest of the cluster may still be worked on.
    """

    def __init__(
        self,
        cluster: str,
        connect: Callable[[], Transport],
        *,
        become: bool,
        warn: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._connect = connect
        self._become = become
        self._warn = warn
        self._guard = threading.Lock()
        self._asked = False
        self._refusal: LockHeldError | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> ClusterLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def take(self) -> None:
        """Take the lock unless it is held by this run; from any thread.

        Raises:
            LockHeldError: another run holds it.
        """
        with self._guard:
            if not self._asked:
                self._asked = True
                self._ask()
        if self._refusal:
            raise self._refusal

    def _ask(self) -> None:
        transport = self._connect()
        self._stack.callback(transport.close)
        script = _script(self._cluster)
        try:
            transport.open()
            answer = self._stack.enter_context(
                transport.hold(script, become=self._become)
            )
        except ConnectError as error:
            self._warn(f"no lock was taken, the head is not reachable: {error.message}")
        except HostError as error:
            self._warn(f"no lock was taken on the head: {error}")
        else:
            self._read(answer)

    def _read(self, answer: str) -> None:
        word, _, owner = answer.partition(" ")
        if word == "held":
            self._refusal = LockHeldError(
                f"cluster {self._cluster!r} is being changed by {owner or 'another run'}",
                hint="wait until that run ends, or end it: its lock goes with it",
            )
        elif word != "mine":
            self._warn(f"no lock was taken on the head: it answered {answer!r}")


def _script(cluster: str) -> bytes:
    sh = Sh.of(HOLD, cluster=cluster.replace("/", "-"), owner=_owner())
    # Not framed: the shell has to keep the standard input that tells it to end.
    return f"{{\n{sh.render()}\nexit\n}}\n".encode("utf-8", "surrogateescape")


def _owner() -> str:
    since = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    name = f"{getpass.getuser()}@{socket.gethostname()}"
    return f"{name}, process {os.getpid()}, since {since}"
