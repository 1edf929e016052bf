"""Knowledge of what steps will find once earlier steps of the host have made their changes.

A dry run plans from it. So does a batch, whose host then compares what it really finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from provision.model.change import Change, State
from provision.model.step import BoundStep, Step, Thing

UNKNOWN = Change("state", "unknown", "known after the steps before it")
"""A change in a dry run: only an earlier step makes it known what this one has to change."""


@dataclass(slots=True)
class Promises:
    """Everything that steps of one host write, in their order.

    Attributes:
        planned: whether there is anything.
        written: the fields of each thing afterwards.
        by: the label of the step that writes it last.
        undecided: the last step of each thing of which it is unknown what it changes.
    """

    planned: bool = False
    written: dict[Thing, State] = field(default_factory=dict)
    by: dict[Thing, str] = field(default_factory=dict)
    undecided: dict[Thing, Step] = field(default_factory=dict)

    def unknown(self, step: Step) -> tuple[Change, ...]:
        """Return the unknown change of *step*; none if the one before it was the same."""
        things = {*step.describes(), *step.writes(())}
        if step.thing and self.undecided.get(step.thing) == step:
            return ()
        self.undecided |= dict.fromkeys(things, step)
        return (UNKNOWN,)

    def add(self, bound: BoundStep, changes: Sequence[Change]) -> None:
        """Remember what *bound* writes when it makes *changes*."""
        self.planned = True
        for thing, state in bound.step.writes(changes).items():
            # The order counts: a thing that is written again is written last.
            before = self.written.pop(thing, {})
            self.written[thing] = {**before, **state} if state else {}
            self.by[thing] = bound.label
            self.undecided.pop(thing, None)

    def forecast(
        self, bound: BoundStep, observed: State
    ) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        """Return what *bound* will change, and the steps because of which.

        Args:
            bound: the next step of the host.
            observed: its state as it is now.
        """
        if self.undecided.keys() & {bound.step.thing, *bound.step.reads()} - {""}:
            return self.unknown(bound.step), ()
        written = self._read_by(bound.step)
        foreseen = self.foresee(bound.step, observed)
        if foreseen is None:
            return self.unknown(bound.step), self._authors(written)
        changes = tuple(bound.step.plan(foreseen))
        follows = changes and foreseen != observed
        return changes, self._authors(written) if follows else ()

    def foresee(self, step: Step, observed: State) -> State | None:
        """Return the state of *step*, now *observed*, afterwards; None: not known."""
        written = self._read_by(step)
        return step.foresee(observed, written) if written else observed

    def _read_by(self, step: Step) -> Mapping[Thing, State]:
        """Return what was written of the things that *step* reads."""
        if not self.written:
            return {}
        reads = set(step.reads())
        return {thing: s for thing, s in self.written.items() if thing in reads}

    def _authors(self, things: Mapping[Thing, State]) -> tuple[str, ...]:
        """Return the labels of the steps that write *things*, each once."""
        return tuple(dict.fromkeys(self.by[thing] for thing in things))
