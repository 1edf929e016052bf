"""What the replies of a host mean: a state, or an error with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.engine.session import LOOK_LIMIT_S
from provision.errors import ApplyError, ProbeError, StepTimeoutError, VerifyError
from provision.model.change import Change, State
from provision.model.shell import Reply
from provision.model.step import Step


def observe(step: Step, reply: Reply) -> State:
    """The state that the *reply* to a probe of *step* tells.

    Raises:
        ProbeError: it cannot tell.
    """
    if reply.ended:
        return step.observe(reply)
    if reply.timed_out:
        raise ProbeError(
            f"looking at it did not end within {LOOK_LIMIT_S:g} s",
            hint="something it asks (a daemon, a network disk) hangs on the host",
            details=reply.tail(),
        )
    raise ProbeError("the host's shell ended before it was seen", details=reply.tail())


def apply_error(timeout_s: float, done: Reply) -> ApplyError:
    """Why a change, with a limit of *timeout_s*, did not end well."""
    if done.timed_out:
        limit = f"did not end within its limit of {timeout_s:g} s and was killed"
        return StepTimeoutError(limit, details=done.tail())
    return ApplyError(f"failed with exit code {done.exit}", details=done.tail())


def verify_error(left: Sequence[Change], settle_s: float) -> VerifyError:
    """That *left* still differs after a change."""
    waited = f" after {settle_s:g} s" if settle_s else ""
    listed = ", ".join(map(str, left))
    return VerifyError(f"the change was made, but{waited} it still differs: {listed}")


def waits() -> Iterator[float]:
    """Seconds between polls: soon at first, then every two seconds."""
    wait = 0.2
    while True:
        yield wait
        wait = min(wait * 1.5, 2.0)
