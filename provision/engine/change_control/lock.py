"""A lock on one host of a cluster, held by a connection: one run at a time may change it.

The kernel's lock lives as long as the shell that holds it, and that shell as long as
our channel. So the lock of a killed controller is released by itself; that of a controller
that lost its power or its link, when the shell has received nothing for `RELEASE_AFTER_S`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType

from provision.errors import ConnectError, HostError, LockHeldError, PrivilegeError
from provision.invocation import runner
from provision.model.framing import Task, run_tasks
from provision.model.script import Script
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.transport.protocol import HeldScript, Transport

HOLD = read_shell(__file__, "lock.sh")
RELEASE_AFTER_S = 30
"""Seconds without a heartbeat after which the host releases the lock. By then the
connection is lost on the controller's side as well."""
RETRY_S = 1.0
"""Seconds between attempts to take a lock that only our own lost connection holds."""
NOTE_LIMIT_S = 5.0
"""Seconds that a host may take to log the end of a run."""


class ClusterLock:
    """Taken before the first change of a run, released when the run ends.

    Args:
        cluster: its name; different clusters may share a host.
        connect: returns an unopened transport to the host that has the lock.
        become: make the lock's file as root.
        warn: called when the host cannot be reached, or does not let us become root: the run
            goes on without a lock, as the rest of the cluster may still be worked on.
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
        self._owner = _owner()
        self._asked = False
        self._held: HeldScript | None = None
        self._transport: Transport | None = None
        self._holder = ""
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

        One that was lost with its connection is taken again.

        Raises:
            LockHeldError: another run holds it, or it cannot be made on the host.
        """
        with self._guard:
            lost = self._held is not None and not self._held.alive()
            if lost or not self._asked:
                self._asked = True
                self._retake() if lost else self._ask()
        if self._refusal:
            raise self._refusal

    def note(self, sh: Sh) -> None:
        """Run *sh* on the host of the lock, if this run holds it; a failure is no error."""
        with self._guard:
            if self._transport and self._held and self._held.alive():
                tasks = [Task(sh)]
                with contextlib.suppress(HostError):
                    run_tasks(
                        self._transport.run,
                        tasks,
                        become=self._become,
                        limit_s=NOTE_LIMIT_S,
                    )

    def _retake(self) -> None:
        """Take the lock again; the shell of the lost connection may still hold it."""
        self._stack.close()
        # Slow to import, and needed only when something went wrong.
        import tenacity

        tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda _: self._holder == self._owner),
            stop=tenacity.stop_after_delay(RELEASE_AFTER_S),
            wait=tenacity.wait_fixed(RETRY_S),
            retry_error_callback=lambda state: None,
        )(self._ask)

    def _ask(self) -> None:
        self._held, self._holder, self._refusal = None, "", None
        transport = self._transport = self._connect()
        self._stack.callback(transport.close)
        text = _script(self._cluster, self._owner)
        try:
            transport.open()
            held = self._stack.enter_context(
                transport.hold(Script(text, become=self._become))
            )
        except ConnectError as error:
            self._warn(
                f"this run has no lock, its host cannot be reached: {error.message}"
            )
        except PrivilegeError as error:
            self._warn(f"this run has no lock: {error}")
        except HostError as error:
            self._refusal = self._no_lock(str(error))
        else:
            self._read(held)

    def _read(self, held: HeldScript) -> None:
        word, _, owner = held.line.partition(" ")
        if word == "mine":
            self._held = held
        elif word == "held":
            self._holder = owner
            self._refusal = LockHeldError(
                f"cluster {self._cluster!r} is being changed by {owner or 'another run'}",
                hint="wait until that run ends, or end it: its lock goes with it",
            )
        else:
            self._refusal = self._no_lock(f"its host answered {held.line!r}")

    def _no_lock(self, why: str) -> LockHeldError:
        return LockHeldError(
            f"cluster {self._cluster!r} cannot be locked: {why}",
            hint="without the lock two runs could change it at once: see why "
            "provision-*.lock cannot be made in its /run (as another user than root: "
            "in /run/lock)",
        )


def _script(cluster: str, owner: str) -> str:
    name = cluster.replace("/", "-")
    sh = Sh.of(HOLD, cluster=name, owner=owner, silence_s=RELEASE_AFTER_S)
    # Not framed: the shell has to keep the standard input whose end ends it.
    return f"{{\n{sh.render()}\nexit\n}}\n"


def _owner() -> str:
    since = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    return f"{runner()}, process {os.getpid()}, since {since}"
