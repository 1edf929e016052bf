"""Rules about hosts that cannot be asked, and steps that refuse what they see."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from provision.errors import (
    AuthError,
    ConnectError,
    HostKeyError,
    PrivilegeError,
    ProvisionError,
    UnknownHostKeyError,
)
from provision.model.result import HostResult, StepResult
from provision.ray.doctor.finding import Finding

KINDS: tuple[tuple[type[ProvisionError], str, str], ...] = (
    (UnknownHostKeyError, "host-key", "a host key that is known"),
    (HostKeyError, "host-key-changed", "the host key that is known"),
    (AuthError, "login", "a user and a key, or a password, that the host accepts"),
    (ConnectError, "connect", "a host that answers on its SSH port"),
    (PrivilegeError, "sudo", "a user who may use sudo"),
)
"""Errors of a whole host, the most exact first: id, and what is wanted."""


def host_error(host: str, error: ProvisionError) -> Finding:
    """Return the finding about a host that cannot be asked."""
    for kind, id_, wanted in KINDS:
        if isinstance(error, kind):
            return Finding(id_, host, error.message, wanted, error.hint or "see above")
    return Finding("host", host, error.message, "an answer", error.hint or "try again")


def step_findings(
    host: str, result: HostResult, known: Collection[str]
) -> Iterator[Finding]:
    """Yield what steps of a deploy refuse, or cannot tell.

    Args:
        host: the host.
        result: of a plan.
        known: ids that other rules have found there: they say the same in other words.
    """
    for step in result.steps:
        if step.error and not _told(step, step.error, known):
            yield Finding(
                _id(step),
                host,
                f"{step.step}: {step.error.message}",
                "a host on which this step can be done",
                step.error.hint or f"`plan --limit {host}` shows the details",
            )


SAME = (
    ("", "is taken by", ("port-taken",)),
    ("", "no room for", ("disk-room", "disk-inodes")),
    ("", "noexec", ("noexec",)),
    ("", "has the address", ("address",)),
    ("docker_engine", "engine that can be managed", ("docker-foreign",)),
    (
        "docker_image",
        "cannot tell the state",
        ("docker-foreign", "docker-stopped", "docker-old"),
    ),
)
"""Kinds of steps and words in their errors, by which a finding of a rule says the same."""


def _told(step: StepResult, error: ProvisionError, known: Collection[str]) -> bool:
    """Return True if a finding of a rule has told what *step* refuses."""
    text = f"{step.step} {error.message} {error.hint}"
    return any(
        kind in {"", step.kind} and words in text and {*ids} & {*known}
        for kind, words, ids in SAME
    )


def _id(step: StepResult) -> str:
    kind = "ray_node" if step.kind in {"ray_head", "ray_worker"} else step.kind
    return f"step-{kind}"
