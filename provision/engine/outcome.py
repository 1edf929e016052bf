"""Replies of a host as a state, or as an error with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.engine.session import PROBE_LIMIT_S
from provision.errors import ApplyError, ProbeError, StepTimeoutError, VerifyError
from provision.model.change import Change, State
from provision.model.shell import Reply
from provision.model.step import Step


def observe(step: Step, reply: Reply) -> State:
    """Return the state in the *reply* to a probe of *step*.

    Raises:
        ProbeError: the state is unknown.
    """
    if reply.ended:
        return step.observe(reply)
    if reply.timed_out:
        raise ProbeError(
            f"the probe did not end within {PROBE_LIMIT_S:g} s",
            hint="something that it asks (a daemon, a network disk) hangs on the host",
            details=reply.tail(),
        )
    raise ProbeError(
        "the shell on the host ended before this probe", details=reply.tail()
    )


def apply_error(timeout_s: float, done: Reply) -> ApplyError:
    """Return the error for a change that failed; its limit was *timeout_s* seconds."""
    if done.timed_out:
        limit = f"did not end within its limit of {timeout_s:g} s and was killed"
        return StepTimeoutError(limit, details=done.tails())
    return ApplyError(f"failed with exit code {done.exit}", details=done.tails())


def verify_error(step: Step, left: Sequence[Change], gave_up: str = "") -> VerifyError:
    """Return the error for *step*, of which *left* still differs.

    Args:
        step: all its time is over, unless waiting was given up.
        left: what differs.
        gave_up: why it was.
    """
    made = "" if step.checks_only else "the change was made, but "
    after = f"after {step.settle_s:g} s " if step.settle_s else ""
    why = f"{gave_up}: " if gave_up else after
    listed = ", ".join(map(str, left))
    return VerifyError(f"{made}{why}it still differs: {listed}")


def poll_intervals() -> Iterator[float]:
    """Yield the seconds between polls: short at first, then two seconds."""
    wait = 0.2
    while True:
        yield wait
        wait = min(wait * 1.5, 2.0)
