"""Replies of a host as a state, or as an error with its reason and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from provision.engine.host.connection import HostStep
from provision.engine.host.session import PROBE_LIMIT_S, Session
from provision.errors import (
    ApplyError,
    HostError,
    ProbeError,
    ProvisionError,
    StepTimeoutError,
    VerifyError,
)
from provision.model.change import Change, State
from provision.model.shell import Reply, Sh
from provision.model.step import Step

EVIDENCE_LIMIT_S = 20.0
NO_EVIDENCE = "the host could not be asked for the reason"


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


def remaining(step: Step, reply: Reply) -> tuple[State, tuple[Change, ...]]:
    """Return the state of *step* while it settles, and what still differs.

    What cannot be told now may be later.
    """
    try:
        observed = observe(step, reply)
    except ProbeError:
        return {}, (Change("state", "unknown", None),)
    return observed, tuple(step.plan(observed))


def poll_intervals() -> Iterator[float]:
    """Yield the seconds between waits: short at first, then two seconds."""
    wait = 0.2
    while True:
        yield wait
        wait = min(wait * 1.5, 2.0)


def explain(session: Session, step: HostStep, error: HostError) -> None:
    """Add the host's evidence and the advice of *step* to *error*."""
    kind = step.bound.step
    if isinstance(error, ApplyError | VerifyError) and (sh := kind.evidence()):
        shown = _output(session, step, sh, EVIDENCE_LIMIT_S, NO_EVIDENCE)
        error.details = (*error.details, *shown)
    if not error.hint:
        error.hint = kind.advice("\n".join([error.message, *error.details]))


def put_back(
    session: Session,
    step: HostStep,
    begun: tuple[State, Sequence[Change]],
    error: HostError,
) -> None:
    """Go back to what ran before the change that failed, if *step* can.

    Args:
        session: the host's.
        step: the one that failed.
        begun: the state before, and the changes that were begun.
        error: gets what the host prints.
    """
    kind = step.bound.step
    if sh := kind.put_back(*begun):
        problem = "it could not be put back"
        shown = _output(session, step, sh, kind.timeout_s, problem)
        error.details = (*error.details, *shown)


def _output(
    session: Session, step: HostStep, sh: Sh, limit_s: float, problem: str
) -> tuple[str, ...]:
    """Return the lines that *sh* prints; *problem* with the reason if it fails."""
    try:
        reply = session.ask(step, sh, limit_s=limit_s)
    except ProvisionError as error:
        return (f"({problem}: {error.message})",)
    failed = reply.exit or not reply.ended
    why = (f"({problem})", *reply.tail()) if failed else ()
    return (*reply.stdout.strip("\n").splitlines(), *why)
