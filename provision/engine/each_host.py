"""One piece of work on many hosts at once: a host that fails or hangs stops no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from provision.config.inventory import Host
from provision.engine.interrupt import interruptible
from provision.errors import HostError, InternalError
from provision.transport.connect import transport
from provision.transport.protocol import InteractiveTransport
from provision.transport.retry import connect_with_retry
from provision.transport.sudo_password import Passwords

Value = TypeVar("Value")
Work = Callable[[Host, InteractiveTransport], Value]
"""The work on one host, over its open connection; raises a HostError if it fails."""
POLL_S = 0.2
"""Seconds until a Ctrl-C is noticed."""
END_WAIT_S = 5.0
"""Seconds that the work on a host gets to end after its connection was closed."""


@dataclass(frozen=True)
class Results(Generic[Value]):
    """The results of the work on each host, in the order of the hosts.

    Attributes:
        values: by host, of those where it was done.
        errors: by host, of those where it failed.
        unfinished: the hosts where it had not ended when a person interrupted it.
    """

    values: Mapping[str, Value]
    errors: Mapping[str, HostError]
    unfinished: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of what failed: 130 after Ctrl-C, 4 if a host was not reached."""
        if self.unfinished:
            return 130
        codes = {error.exit_code for error in self.errors.values()}
        return 4 if 4 in codes else max(codes, default=0)

    def all_values(self) -> Mapping[str, Value]:
        """Return the values, which are those of all hosts.

        Raises:
            HostError: the first host on which it failed.
            KeyboardInterrupt: a person interrupted it.
        """
        for error in self.errors.values():
            raise error
        if self.unfinished:
            raise KeyboardInterrupt
        return self.values


@dataclass
class _Hosts:
    """The open connections, which an interrupt closes."""

    interrupted: bool = False
    open: set[InteractiveTransport] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, connection: InteractiveTransport) -> None:
        with self.lock:
            if self.interrupted:
                raise HostError("interrupted")
            self.open.add(connection)

    def remove(self, connection: InteractiveTransport) -> None:
        with self.lock:
            self.open.discard(connection)
        connection.close()

    def close_all(self) -> None:
        with self.lock:
            self.interrupted = True
            still_open = [*self.open]
        for connection in still_open:
            connection.close()


def on_each(
    hosts: Sequence[Host],
    work: Work[Value],
    *,
    forks: int,
    stopped: threading.Event | None = None,
    done: Callable[[str, Value | HostError], object] = lambda host, result: None,
) -> Results[Value]:
    """Do *work* on all *hosts* at once, each over a connection of its own.

    Args:
        hosts: the hosts to work on.
        work: called with each host and its open connection, from a thread of its own.
        forks: the most hosts to work on at a time.
        stopped: is set when a person interrupts it: then work must not connect again.
        done: called in this thread with each host and its result, as it ends.
    """
    passwords, connections = Passwords(), _Hosts()

    def on_one(host: Host) -> Value:
        made = transport(host, passwords)
        connections.add(made)
        try:
            connect_with_retry(made, lambda attempt, wait_s, reason: None)
            return work(host, made)
        finally:
            connections.remove(made)

    found: dict[str, Value | HostError] = {}

    def take(one: Future[Value]) -> None:
        name, result = running[one], _result(one)
        found[name] = result
        done(name, result)

    with interruptible() as interrupted:
        pool = ThreadPoolExecutor(max(1, min(forks, len(hosts))), "host")
        running: dict[Future[Value], str] = {
            pool.submit(on_one, host): host.name for host in hosts
        }
        left = _taken(set(running), take, interrupted)
        if left:
            if stopped:
                stopped.set()
            connections.close_all()
        pool.shutdown(wait=False, cancel_futures=True)
        wait(left, END_WAIT_S)
    return _sorted([host.name for host in hosts], found)


def _taken(
    left: set[Future[Value]],
    take: Callable[[Future[Value]], object],
    interrupted: threading.Event,
) -> set[Future[Value]]:
    """Call *take* with each of *left* as it ends; return the rest after an interrupt."""
    while left and not interrupted.is_set():
        wait(left, POLL_S, FIRST_COMPLETED)
        # Also those that ended just before an interrupt: later ones end because of it.
        ended = {one for one in left if one.done()}
        for one in ended:
            take(one)
        left -= ended
    return left


def _sorted(
    names: Sequence[str], found: Mapping[str, Value | HostError]
) -> Results[Value]:
    """Return what was *found*, in the order of *names*."""
    values: dict[str, Value] = {}
    errors: dict[str, HostError] = {}
    for name in names:
        if name in found:
            result = found[name]
            if isinstance(result, HostError):
                errors[name] = result
            else:
                values[name] = result
    return Results(values, errors, tuple(n for n in names if n not in found))


def _result(one: Future[Value]) -> Value | HostError:
    try:
        return one.result()
    except HostError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a defect on one host ends no other
        import traceback

        lines = "".join(traceback.format_exception(error)).splitlines()
        return InternalError(f"internal error: {error!r}", details=lines[-12:])
