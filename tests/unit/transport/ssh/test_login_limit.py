"""One sshd gets few logins at a time, and other places do not wait for it."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from provision.errors import ConnectError
from provision.transport.ssh.login_limit import AT_ONCE, LoginLimiter


def never() -> bool:
    return False


def test_at_one_place_there_are_never_more_than_allowed() -> None:
    turnstile, lock = LoginLimiter(), threading.Lock()
    inside: list[int] = []
    most: list[int] = []

    def login(number: int) -> None:
        with turnstile.through("jump:22", never):
            with lock:
                inside.append(number)
                most.append(len(inside))
            time.sleep(0.005)
            with lock:
                inside.remove(number)

    with ThreadPoolExecutor(30) as pool:
        list(pool.map(login, range(60)))
    assert max(most) == AT_ONCE < 10


def test_other_places_do_not_wait() -> None:
    turnstile = LoginLimiter(at_once=1)
    with contextlib.ExitStack() as stack:
        for number in range(50):
            stack.enter_context(turnstile.through(f"host{number}:22", never))


def test_a_login_that_failed_makes_room() -> None:
    turnstile = LoginLimiter(at_once=1)
    for _ in range(3):
        with pytest.raises(OSError, match="cut"), turnstile.through("a:22", never):
            raise OSError("cut")


def test_who_is_no_longer_wanted_does_not_wait_on() -> None:
    turnstile = LoginLimiter(at_once=1)
    with (
        turnstile.through("a:22", never),
        pytest.raises(ConnectError, match="interrupted"),
        turnstile.through("a:22", lambda: True),
    ):
        pass
