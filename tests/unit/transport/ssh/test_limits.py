"""One sshd gets few logins at a time and few sessions; other places do not wait for it."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from provision.errors import ConnectError
from provision.transport.ssh.limits import (
    AT_ONCE,
    COUNTED_S,
    LoginLimiter,
    SessionLimiter,
)


def never() -> bool:
    return False


def test_at_one_endpoint_there_are_never_more_than_allowed() -> None:
    limiter, lock = LoginLimiter(), threading.Lock()
    inside: list[int] = []
    most: list[int] = []

    def login(number: int) -> None:
        with limiter.slot("jump:22", never):
            with lock:
                inside.append(number)
                most.append(len(inside))
            time.sleep(0.005)
            with lock:
                inside.remove(number)

    with ThreadPoolExecutor(30) as pool:
        list(pool.map(login, range(60)))
    assert max(most) == AT_ONCE < 10


def test_other_endpoints_do_not_wait() -> None:
    limiter = LoginLimiter(at_once=1)
    with contextlib.ExitStack() as stack:
        for number in range(50):
            stack.enter_context(limiter.slot(f"host{number}:22", never))


def test_a_failed_login_frees_its_slot() -> None:
    limiter = LoginLimiter(at_once=1)
    for _ in range(3):
        with pytest.raises(OSError, match="cut"), limiter.slot("a:22", never):
            raise OSError("cut")


def test_a_cancelled_login_stops_waiting() -> None:
    limiter = LoginLimiter(at_once=1)
    with (
        limiter.slot("a:22", never),
        pytest.raises(ConnectError, match="interrupted"),
        limiter.slot("a:22", lambda: True),
    ):
        pass


def test_sessions_are_limited_to_what_sshd_allowed() -> None:
    limiter, allowed = SessionLimiter(), threading.Semaphore(2)
    most: list[int] = []
    open_now: set[int] = set()

    def script(number: int) -> bool:
        while True:
            with limiter.slot():
                if not allowed.acquire(blocking=False):
                    assert limiter.refused()
                    continue
                open_now.add(number)
                most.append(len(open_now))
                time.sleep(0.005)
                open_now.discard(number)
                allowed.release()
                limiter.ended()
                return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(script, range(60)))
    assert max(most) <= 2


def test_one_that_is_refused_alone_is_not_tried_again() -> None:
    limiter = SessionLimiter()
    for _ in range(2):  # an attempt that was refused is no session that has ended
        with limiter.slot():
            assert not limiter.refused()


def test_a_session_that_has_just_ended_may_still_be_counted() -> None:
    limiter = SessionLimiter()
    with limiter.slot():
        limiter.ended()
    with limiter.slot():
        assert limiter.refused()
        time.sleep(COUNTED_S)
        assert not limiter.refused()
