"""Result of a run: counts, changes and errors by host, added up from its events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from provision.errors import ProvisionError
from provision.model.change import Change
from provision.model.events import (
    Cause,
    CheckUnmet,
    Event,
    HostBlocked,
    HostDone,
    HostEvent,
    HostFailed,
    RunEnded,
    RunStarted,
    StepChanged,
    StepEvent,
    StepFailed,
    StepOk,
    StepPlanned,
    Warned,
)
from provision.model.mode import Mode

DIFFERS = 3
INTERRUPTED = 130
WEIGHT = (1, 6, 5, 2, 4)
"""Exit codes of errors, the one that wins first."""


@dataclass(slots=True)
class StepResult:
    """Result of one step on one host: ok, changed, planned, unmet (a check) or failed."""

    play: str
    step: str
    kind: str
    where: str
    outcome: str
    changes: tuple[Change, ...] = ()
    seconds: float = 0.0
    error: ProvisionError | None = None
    observed: dict[str, str] = field(default_factory=dict)
    because: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "play": self.play,
            "step": self.step,
            "kind": self.kind,
            "where": self.where,
            "outcome": self.outcome,
            "seconds": round(self.seconds, 3),
            "changes": [
                {"field": c.field, "before": c.before, "after": c.after}
                for c in self.changes
            ],
            "because": list(self.because),
            "diff": list(self.diff),
            "error": _error(self.error),
        }


@dataclass(frozen=True, slots=True)
class NotRun:
    """The last *steps* of *play*, or all, that were not run on a host because of *by*."""

    play: str
    steps: int
    by: Cause

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"play": self.play, "steps": self.steps, "by": str(self.by)}


@dataclass(slots=True)
class HostResult:
    """Result of one host's part of the run."""

    steps: list[StepResult] = field(default_factory=list)
    not_run: list[NotRun] = field(default_factory=list)
    seconds: float = 0.0
    round_trips: int = 0
    error: ProvisionError | None = None
    failed_play: str = ""

    @property
    def blocked(self) -> int:
        """Number of steps that were not run."""
        return sum(part.steps for part in self.not_run)

    @property
    def blocked_by(self) -> str:
        """The first reason why steps were not run; empty if all were."""
        return next((str(part.by) for part in self.not_run), "")

    @property
    def ok(self) -> int:
        """Steps that were as they should be."""
        return self._count("ok")

    @property
    def changed(self) -> int:
        """Steps that were changed and then seen to be right."""
        return self._count("changed")

    @property
    def planned(self) -> int:
        """Steps that a run for real would change."""
        return self._count("planned")

    @property
    def unmet(self) -> int:
        """Checks of a dry run of which something is not as it should be."""
        return self._count("unmet")

    @property
    def touched(self) -> bool:
        """True if a step may have changed something."""
        return self.changed > 0 or self._count("failed") > 0

    @property
    def failed(self) -> int:
        """Steps that failed; 1 when the host failed as a whole."""
        return self._count("failed") or int(self.error is not None)

    def _count(self, outcome: str) -> int:
        return sum(step.outcome == outcome for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "ok": self.ok,
            "changed": self.changed,
            "planned": self.planned,
            "unmet": self.unmet,
            "failed": self.failed,
            "blocked": self.blocked,
            "blocked_by": self.blocked_by,
            "not_run": [part.as_dict() for part in self.not_run],
            "seconds": round(self.seconds, 3),
            "round_trips": self.round_trips,
            "error": _error(self.error),
            "steps": [step.as_dict() for step in self.steps],
        }


class Run:
    """The sum of a run's events, and of nothing else.

    Attributes:
        hosts: what happened, by host.
    """

    def __init__(self) -> None:
        self.mode: Mode | None = None
        self.cluster = ""
        self.hosts: dict[str, HostResult] = {}
        self.warnings: list[str] = []
        self.seconds = 0.0
        self.interrupted = False
        self._takes: dict[type[Event], Callable[[Any], None]] = {
            RunStarted: self._started,
            Warned: self._warned,
            StepOk: self._step_ok,
            StepPlanned: self._step_planned,
            CheckUnmet: self._check_unmet,
            StepChanged: self._step_changed,
            StepFailed: self._step_failed,
            HostFailed: self._host_failed,
            HostBlocked: self._host_blocked,
            HostDone: self._host_done,
            RunEnded: self._ended,
        }

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if take := self._takes.get(type(event)):
            take(event)

    @property
    def mode_name(self) -> str:
        """Name of the mode; empty before the run has started."""
        return self.mode.value if self.mode else ""

    @property
    def changed(self) -> int:
        """Steps changed, on all hosts."""
        return sum(host.changed for host in self.hosts.values())

    @property
    def touched(self) -> bool:
        """True if a step may have changed something on some host."""
        return any(host.touched for host in self.hosts.values())

    @property
    def planned(self) -> int:
        """Steps that would be changed, on all hosts."""
        return sum(host.planned for host in self.hosts.values())

    @property
    def unmet(self) -> int:
        """Checks of which something is not as it should be, on all hosts."""
        return sum(host.unmet for host in self.hosts.values())

    @property
    def errors(self) -> dict[str, list[ProvisionError]]:
        """The errors of each host that has any."""
        found = {
            name: [
                *(s.error for s in host.steps if s.error),
                *filter(None, [host.error]),
            ]
            for name, host in self.hosts.items()
        }
        return {name: errors for name, errors in found.items() if errors}

    @property
    def exit_code(self) -> int:
        """Exit code for the program that made this run."""
        if self.interrupted:
            return INTERRUPTED
        codes = {e.exit_code for errors in self.errors.values() for e in errors}
        worst = next((code for code in WEIGHT if code in codes), 0)
        return worst or (DIFFERS if self.planned or self.unmet else 0)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; what `--report` writes."""
        return {
            "verb": self.mode_name,
            "cluster": self.cluster,
            "seconds": round(self.seconds, 3),
            "interrupted": self.interrupted,
            "exit_code": self.exit_code,
            "warnings": self.warnings,
            "hosts": {name: host.as_dict() for name, host in self.hosts.items()},
        }

    def _host(self, event: HostEvent) -> HostResult:
        return self.hosts.setdefault(event.host, HostResult())

    def _started(self, event: RunStarted) -> None:
        self.mode, self.cluster = event.mode, event.cluster
        self.hosts = {name: HostResult() for name in event.steps}

    def _warned(self, event: Warned) -> None:
        self.warnings.append(event.message)

    def _add(self, event: StepEvent, outcome: str) -> StepResult:
        result = StepResult(event.play, event.step, event.kind, event.where, outcome)
        self._host(event).steps.append(result)
        return result

    def _step_ok(self, event: StepOk) -> None:
        result = self._add(event, "ok")
        result.observed, result.seconds = event.observed, event.seconds

    def _step_planned(self, event: StepPlanned) -> None:
        result = self._add(event, "planned")
        result.changes, result.observed = event.changes, event.observed
        result.because, result.diff = event.because, event.diff

    def _check_unmet(self, event: CheckUnmet) -> None:
        result = self._add(event, "unmet")
        result.changes, result.observed = event.left, event.observed

    def _step_changed(self, event: StepChanged) -> None:
        result = self._add(event, "changed")
        result.changes, result.seconds = event.changes, event.seconds
        result.diff = event.diff

    def _step_failed(self, event: StepFailed) -> None:
        result = self._add(event, "failed")
        result.changes, result.error = event.changes, event.error
        result.observed = event.observed

    def _host_failed(self, event: HostFailed) -> None:
        host = self._host(event)
        host.error, host.failed_play = event.error, event.play

    def _host_blocked(self, event: HostBlocked) -> None:
        part = NotRun(event.play, event.steps, event.by)
        self._host(event).not_run.append(part)

    def _host_done(self, event: HostDone) -> None:
        host = self._host(event)
        host.round_trips, host.seconds = event.round_trips, event.seconds

    def _ended(self, event: RunEnded) -> None:
        self.seconds, self.interrupted = event.seconds, event.interrupted


def _error(error: ProvisionError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "type": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "details": list(getattr(error, "details", ())),
    }
