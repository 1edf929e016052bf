"""The cluster's lock on a real shell, held until its owner ends or is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provision.engine.change_control.lock import ClusterLock
from provision.errors import LockHeldError
from provision.transport.local import LocalTransport


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def lock(warnings: list[str]) -> Callable[[], ClusterLock]:
    """Makes a run's lock of one cluster that no other test has."""
    cluster = f"test-{os.getpid()}-{time.monotonic_ns()}"
    return lambda: ClusterLock(
        cluster, LocalTransport, become=False, warn=warnings.append
    )


@pytest.fixture(autouse=True)
def _nothing_warned(warnings: list[str]) -> Iterator[None]:
    yield
    assert warnings == []


Lock = Callable[[], ClusterLock]


def path(lock: ClusterLock) -> Path:
    folder = "/run" if os.geteuid() == 0 else "/run/lock"
    return Path(f"{folder}/provision-{lock._cluster}.lock")


def kill_holder(lock: ClusterLock) -> None:
    """Kill the shell that holds the lock, and see that the run knows."""
    file = path(lock).resolve()
    for link in Path("/proc").glob("[0-9]*/fd/9"):
        with contextlib.suppress(OSError):
            if link.readlink() == file:
                os.kill(int(link.parts[2]), signal.SIGKILL)
    wait_until(lambda: lock._held is not None and not lock._held.alive())


def refused(lock: ClusterLock) -> bool:
    with lock:
        try:
            lock.take()
        except LockHeldError:
            return True
        return False


def wait_until(true: Callable[[], bool], limit_s: float = 10) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_one_run_at_a_time_has_the_lock_and_its_file_is_removed_at_the_end(
    lock: Lock,
) -> None:
    with lock() as first:
        first.take()
        first.take()
        with lock() as second, pytest.raises(LockHeldError, match=str(os.getpid())):
            second.take()
    wait_until(lambda: not path(first).exists())
    assert not refused(lock())


def test_heartbeats_keep_the_lock(lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provision.engine.change_control.lock.RELEASE_AFTER_S", 1)
    monkeypatch.setattr("provision.transport.watchdog.HEARTBEAT_S", 0.2)
    with lock() as first:
        first.take()
        time.sleep(2.5)
        assert refused(lock())


def test_a_run_that_sends_no_heartbeats_loses_the_lock(
    lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provision.engine.change_control.lock.RELEASE_AFTER_S", 1)
    monkeypatch.setattr("provision.transport.watchdog.HEARTBEAT_S", 60)
    with lock() as first:
        first.take()
        wait_until(lambda: not path(first).exists())
        assert not refused(lock())


def test_a_lock_that_was_lost_is_taken_again_before_the_next_change(lock: Lock) -> None:
    with lock() as first:
        first.take()
        kill_holder(first)
        first.take()
        assert refused(lock())


def test_a_run_that_lost_the_lock_to_another_run_ends(lock: Lock) -> None:
    with lock() as first, lock() as second:
        first.take()
        kill_holder(first)
        second._owner = "somebody else"
        second.take()
        with pytest.raises(LockHeldError, match="being changed by somebody else"):
            first.take()


def test_a_run_is_not_locked_out_by_its_own_lost_connection(lock: Lock) -> None:
    with lock() as first, lock() as stale:
        first.take()
        kill_holder(first)
        stale._owner = first._owner
        stale.take()
        threading.Timer(1.5, stale._stack.close).start()
        first.take()
        assert refused(lock())


def test_a_host_on_which_no_lock_can_be_made_ends_the_run(lock: Lock) -> None:
    made = lock()
    path(made).mkdir()
    try:
        with made, pytest.raises(LockHeldError, match="cannot be locked"):
            made.take()
    finally:
        path(made).rmdir()
