"""One lane of a host during a run: what planning and changing its steps have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

from provision.engine.change_control.notes import Notes
from provision.engine.host.connection import HostStep
from provision.engine.host.outcome import EVIDENCE_LIMIT_S, observe
from provision.engine.host.session import ChangeClock, Session
from provision.engine.host.text_diff import text_diff
from provision.errors import HostError
from provision.model.change import Change, State
from provision.model.events import Emit, StepOk, Warned

Difference = tuple[State, tuple[Change, ...]]
"""The observed state of a step, and what has to change."""


class About(TypedDict):
    """The fields that each event of a step has."""

    host: str
    play: str
    step: str
    kind: str
    where: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of a host, with what its steps need.

    Attributes:
        host: its name in events.
        name: the lane's.
        session: its replies, and the way to the host.
        emit: called with each event, in the thread that runs a play.
        clock: counts the changes of the run.
        stopped: once set, nothing new is started.
        before_change: called before changes; raises to forbid them.
        notes: returns what is written on the host before a change.
        shows_diff: ask for the texts that are replaced, and report how they differ.
        remarked: the remarks that were reported.
    """

    host: str
    name: str
    session: Session
    emit: Emit
    clock: ChangeClock
    stopped: threading.Event
    before_change: Callable[[], None]
    notes: Notes | None
    shows_diff: bool
    remarked: set[str] = field(default_factory=set)

    def about(self, step: HostStep) -> About:
        """Return what each event of *step* tells about it."""
        return {
            "host": self.host,
            "play": step.play,
            "step": step.bound.label,
            "kind": step.bound.step.kind,
            "where": step.bound.where,
        }

    def observed(self, step: HostStep) -> State:
        """Return the state of *step* as it is now."""
        return observe(step.bound.step, self.session.probe(step))

    def last_seen(self, step: HostStep) -> dict[str, str]:
        """Return the state of *step* as it was probed last; empty = it is not known."""
        if not self.session.knows(step):
            return {}
        try:
            return dict(self.observed(step))
        except HostError:
            return {}

    def difference(self, step: HostStep) -> Difference:
        """Return the state of *step* as it is now, and what has to change."""
        observed = self.observed(step)
        return observed, tuple(step.bound.step.plan(observed))

    def remark(self, step: HostStep, observed: State) -> None:
        """Report what a person should know of *observed* that is no difference.

        Two plays may have a step about the same thing: each remark is reported once.
        """
        for remark in step.bound.step.remarks(observed):
            if remark not in self.remarked:
                self.remarked.add(remark)
                self.emit(Warned(message=remark, host=self.host))

    def report_ok(self, step: HostStep, observed: State, seconds: float = 0) -> None:
        """Report that nothing of *step* differs, after *seconds* of waiting for that."""
        about = self.about(step)
        self.emit(StepOk(**about, observed=dict(observed), seconds=seconds))

    def text_diff(
        self, step: HostStep, observed: State, changes: tuple[Change, ...]
    ) -> tuple[str, ...]:
        """Return the diff of the text that *changes* replace, if it was asked for."""
        kind = step.bound.step
        text = kind.text_change(observed, changes) if self.shows_diff else None
        if not text:
            return ()
        return text_diff(
            text, lambda sh: self.session.ask(step, sh, limit_s=EVIDENCE_LIMIT_S)
        )
