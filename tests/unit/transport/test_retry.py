"""Connecting is tried again where that may help, and only there."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from provision.errors import AuthError, ConnectError, HostKeyError, ProtocolError
from provision.transport.local import LocalTransport
from provision.transport.retry import TRIES, connect_with_retry


class Flaky(LocalTransport):
    """Fails to open with each of *errors* in turn, then opens."""

    def __init__(self, *errors: ConnectError) -> None:
        super().__init__()
        self.errors = list(errors)
        self.opened = 0

    def open(self) -> None:
        self.opened += 1
        if self.errors:
            raise self.errors.pop(0)


def connect(*errors: ConnectError) -> tuple[Flaky, Sequence[tuple[int, float, str]]]:
    told: list[tuple[int, float, str]] = []
    slept: list[float] = []
    transport = Flaky(*errors)
    try:
        connect_with_retry(
            transport, lambda *said: told.append(said), sleep=slept.append
        )
    finally:
        assert slept == [wait for _, wait, _ in told]
    return transport, told


def test_a_host_that_answers_is_asked_once() -> None:
    transport, told = connect()
    assert (transport.opened, told) == (1, [])


def test_a_host_that_is_booting_is_tried_again_and_that_is_told() -> None:
    transport, told = connect(ConnectError("refused"), ConnectError("reset"))
    assert transport.opened == 3
    assert [(number, why) for number, _, why in told] == [(1, "refused"), (2, "reset")]
    assert all(0 < wait <= 5 for _, wait, _ in told)


def test_a_name_that_does_not_resolve_is_tried_again_soon() -> None:
    unknown = ConnectError("unknown name")
    unknown.__cause__ = socket.gaierror()
    _, told = connect(unknown)
    assert told[0][1] < 1


def test_a_dead_host_is_given_up_with_its_last_error() -> None:
    errors = [ConnectError(f"dead {number}") for number in range(1, 9)]
    with pytest.raises(ConnectError, match=f"dead {TRIES}"):
        connect(*errors)


@pytest.mark.parametrize("kind", [HostKeyError, AuthError, ProtocolError])
def test_a_refusal_is_final(kind: type[ConnectError]) -> None:
    transport = Flaky(kind("no"), ConnectError("other"))
    with pytest.raises(kind):
        connect_with_retry(transport, lambda *_: None, sleep=lambda _: None)
    assert transport.opened == 1


def test_an_attempt_that_took_too_long_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter([0.0, 99.0])
    monkeypatch.setattr(
        "provision.transport.retry.time.monotonic", lambda: next(times, 99.0)
    )
    with pytest.raises(ConnectError, match="timed out"):
        connect(ConnectError("timed out"))
