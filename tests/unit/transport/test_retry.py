"""Connecting is tried again where that may help, and only there."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from provision.errors import AuthError, ConnectError, HostKeyError, ProtocolError
from provision.testing import FakeTransport
from provision.transport.retry import TRIES, connect_with_retry

Retries = Sequence[tuple[int, float, str]]


def connect(*errors: ConnectError) -> tuple[FakeTransport, Retries]:
    """Connect to a host that refuses with each of *errors* first; return the retries."""
    reported: list[tuple[int, float, str]] = []
    slept: list[float] = []
    transport = FakeTransport()
    transport.refuse(*errors)
    try:
        connect_with_retry(
            transport, lambda *retry: reported.append(retry), sleep=slept.append
        )
    finally:
        assert slept == [wait for _, wait, _ in reported]
    return transport, reported


def test_a_host_that_answers_is_asked_once() -> None:
    transport, retries = connect()
    assert (transport.opened, retries) == (1, [])


def test_a_host_that_is_booting_is_tried_again_and_reported() -> None:
    transport, retries = connect(ConnectError("refused"), ConnectError("reset"))
    assert transport.opened == 3
    assert [(number, why) for number, _, why in retries] == [
        (1, "refused"),
        (2, "reset"),
    ]
    assert all(0 < wait <= 5 for _, wait, _ in retries)


def test_a_name_that_does_not_resolve_is_tried_again_soon() -> None:
    unknown = ConnectError("unknown name")
    unknown.__cause__ = socket.gaierror()
    _, retries = connect(unknown)
    assert retries[0][1] < 1


def test_a_dead_host_is_given_up_with_its_last_error() -> None:
    errors = [ConnectError(f"dead {number}") for number in range(1, 9)]
    with pytest.raises(ConnectError, match=f"dead {TRIES}"):
        connect(*errors)


@pytest.mark.parametrize("kind", [HostKeyError, AuthError, ProtocolError])
def test_a_refusal_is_final(kind: type[ConnectError]) -> None:
    transport = FakeTransport()
    transport.refuse(kind("no"), ConnectError("other"))
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
