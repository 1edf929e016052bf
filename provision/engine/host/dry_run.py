"""A dry run of a lane's steps: what each would change after the steps before it."""

from __future__ import annotations

from provision.engine.host.connection import HostStep
from provision.engine.host.foresight import UNKNOWN, Promises
from provision.engine.host.lane import Lane
from provision.errors import ProbeError
from provision.model.change import Change
from provision.model.events import CheckUnmet, StepPlanned


class DryRun:
    """Plans the steps of *lane*, in order."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._promises = Promises()

    def plan(self, step: HostStep) -> None:
        """Report what *step* would change after the steps before it.

        Raises:
            HostError: its state is unknown, or it refuses what is there.
        """
        lane = self._lane
        about, checks = lane.about(step), step.bound.step.checks_only
        observed, changes, because = self._forecast(step)
        lane.remark(step, observed)
        if not changes:
            lane.report_ok(step, observed)
        elif checks:
            lane.emit(CheckUnmet(**about, left=changes, observed=observed))
        else:
            diff = lane.text_diff(step, observed, changes)
            planned = StepPlanned(
                **about, changes=changes, observed=observed, because=because, diff=diff
            )
            lane.emit(planned)

    def _forecast(
        self, step: HostStep
    ) -> tuple[dict[str, str], tuple[Change, ...], tuple[str, ...]]:
        """Return the observed state of *step*, its changes, and what they follow from."""
        try:
            observed = dict(self._lane.observed(step))
        except ProbeError:
            if not self._promises.planned:
                raise
            return {}, self._promises.unknown(step.bound.step), ()
        changes, because = self._promises.forecast(step.bound, observed)
        if changes and UNKNOWN not in changes:
            self._promises.add(step.bound, changes)
        return observed, changes, because
