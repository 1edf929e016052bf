"""Connects again where that may help."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from provision.errors import ConnectError
from provision.transport.protocol import Transport

if TYPE_CHECKING:
    from tenacity import RetryCallState


TRIES = 3
"""Attempts to connect, in all."""


TRY_FOR_S = 10.0
"""Seconds after the first attempt when no new one begins: a time-out is not repeated."""


OnRetry = Callable[[int, float, str], None]
"""Called before each new attempt: how many failed, seconds until the next, and why."""


def connect_with_retry(
    transport: Transport,
    on_retry: OnRetry,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Open *transport*; try again where that may help: the host may be booting.

    Raises:
        ConnectError: the last attempt failed (one that is `final` at once).
    """
    started = time.monotonic()
    try:
        transport.open()
    except ConnectError as error:
        if not _may_pass(error):
            raise
        left_s = max(0.0, TRY_FOR_S - (time.monotonic() - started))
        _retry(transport, error, left_s, on_retry, sleep)


def _retry(
    transport: Transport,
    error: ConnectError,
    left_s: float,
    on_retry: OnRetry,
    sleep: Callable[[float], None],
) -> None:
    """Try again after *error*, for at most *left_s* seconds."""
    # Slow to import, and needed only when something went wrong.
    import tenacity

    def before_sleep(state: RetryCallState) -> None:
        last = state.outcome and state.outcome.exception()
        reason = last.message if isinstance(last, ConnectError) else ""
        on_retry(state.attempt_number, state.upcoming_sleep, reason)

    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_may_pass),
        stop=tenacity.stop_after_attempt(TRIES) | tenacity.stop_after_delay(left_s),
        wait=_wait_s,
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )
    for attempt in attempts:
        with attempt:
            # The first attempt was made before tenacity was needed.
            if attempt.retry_state.attempt_number == 1:
                raise error
            transport.open()


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, ConnectError) and not error.final


def _wait_s(state: RetryCallState) -> float:
    import tenacity

    error = state.outcome and state.outcome.exception()
    name_unknown = error and isinstance(error.__cause__, socket.gaierror)
    first_s = 0.3 if name_unknown else 2.0
    return tenacity.wait_exponential_jitter(
        multiplier=first_s, max=5, jitter=first_s / 2
    )(state)
